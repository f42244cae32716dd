// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/cbor.hpp>
#include <varve/codecs/json.hpp>
#include <varve/codecs/message_pack.hpp>

#include "fuzz/fuzz.hpp"

#include <string>

namespace {

/// Bytes are refused, or decode to what is then written as current.
template <class C>
void fuzz_spellings(varve::BytesView input) {
  varve_test::takes([&] {
    const auto tree = C::template decode<nlohmann::json>(input);
    std::string own;
    C::encode(tree, own);
    varve_test::expect(C::template is_current<nlohmann::json>(own), "what is written is current");
    if (!input.empty()) {
      varve_test::expect(
          C::template may_begin_with<nlohmann::json>(static_cast<unsigned char>(input.front())),
          "a codec says which bytes its records begin with");
    }
  });
}

}  // namespace

void fuzz(varve::BytesView input) {
  fuzz_spellings<varve::Json>(input);
  fuzz_spellings<varve::Cbor>(input);
  fuzz_spellings<varve::MessagePack>(input);
}
