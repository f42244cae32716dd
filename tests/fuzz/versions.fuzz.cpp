// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/either.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/raw.hpp>
#include <varve/codecs/versions.hpp>

#include "fuzz/fuzz.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace records {

struct V1 {
  std::uint16_t id;
  std::string owner;
  auto operator<=>(const V1&) const = default;
};
struct V2 {
  std::uint32_t id;
  std::string owner;
  bool open;
  auto operator<=>(const V2&) const = default;
};
V2 upgrade(V1&& old) {
  return {old.id, std::move(old.owner), true};
}

struct Reading {
  double value;
  std::uint32_t unit;
  std::uint16_t sensor;
  bool good;
  bool final;
};

}  // namespace records

template <>
inline constexpr varve::BytesView varve::layout_name<records::Reading> = "reading";

namespace {

/// Bytes are refused for what they are, or decode to what is then written as current.
template <class C, class T>
void fuzz_lenient(varve::BytesView input) {
  using varve::ErrorKind;
  std::string own;
  try {
    C::encode(C::template decode<T>(input), own);
  } catch (const varve::Error& error) {
    varve_test::expect(error.kind() == ErrorKind::corruption ||
                           error.kind() == ErrorKind::schema_newer ||
                           error.kind() == ErrorKind::schema_too_old,
                       error.what());
    return;
  }
  varve_test::expect(C::template is_current<T>(own), "what is written is current");
  varve_test::expect(!C::template is_current<T>(input) || own == input, "one spelling is current");
}

}  // namespace

void fuzz(varve::BytesView input) {
  using records::V1, records::V2;
  using varve::Ordered, varve::Versions, varve::Untagged, varve::Retired, varve::FirstByte;
  fuzz_lenient<Versions<Ordered, V1, V2>, V2>(input);
  fuzz_lenient<Versions<Ordered, Untagged<V1, FirstByte<0x30, 0xff>>, V2>, V2>(input);
  fuzz_lenient<Versions<Ordered, Retired<200>, V2>, V2>(input);
  fuzz_lenient<varve::Either<Versions<Ordered, V1, V2>, Ordered, FirstByte<0, 0x7f>>, V2>(input);
  varve_test::fuzz_codec<varve::Raw, records::Reading>(input);
}
