// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/document.hpp>

#include "fuzz/fuzz.hpp"

#include <cstddef>

namespace {

/// Reads all that the view shows, by each way there is.
void walk(varve::DocumentView view) {
  using varve::DocumentKind;
  if (view.kind() == DocumentKind::array) {
    for (std::size_t i = 0; i != view.size(); ++i) walk(view[i]);
  } else if (view.kind() == DocumentKind::object) {
    for (const auto [key, value] : view.members()) {
      const auto found = view.find(key);
      varve_test::expect(found && *found == value, "a member is found by its key");
      walk(value);
    }
  }
}

}  // namespace

void fuzz(varve::BytesView input) {
  varve_test::takes([&] { walk(varve::DocumentView::of(input)); });
  varve_test::fuzz_codec<varve::DocumentCodec, varve::Document>(input);
}
