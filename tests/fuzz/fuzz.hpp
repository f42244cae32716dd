// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

/// What a target defines: reads stored bytes that may be anything. It may throw `corruption`, and
/// must not throw anything else, touch what is not its own, or take long.
void fuzz(varve::BytesView input);

namespace varve_test {

/// Ends the process, and so the search, where it does not hold.
inline void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what.c_str());
  std::abort();
}

/// Whether `read` took its bytes; false where it refused them as `corruption`, or as what a stack
/// of other layers wrote.
template <class Read>
bool takes(Read read) {
  try {
    read();
    return true;
  } catch (const varve::Error& error) {
    expect(error.kind() == varve::ErrorKind::corruption ||
               error.kind() == varve::ErrorKind::stack_mismatch,
           error.what());
    return false;
  }
}

/// Bytes are refused, or are the one spelling of what they decode to, for each of the types.
template <class Codec, class... T>
void fuzz_codec(varve::BytesView input) {
  const auto one = [&]<class U>() {
    takes([&] {
      std::string again;
      Codec::encode(Codec::template decode<U>(input), again);
      expect(again == input, "what is decoded is encoded as it was");
    });
  };
  (one.template operator()<T>(), ...);
}

/// Bytes are refused, or decode to what is then written as current and read as the same, for each
/// of the types.
template <class Codec, class... T>
void fuzz_many_spellings(varve::BytesView input) {
  const auto one = [&]<class U>() {
    takes([&] {
      const U value = Codec::template decode<U>(input);
      std::string own;
      Codec::encode(value, own);
      expect(Codec::template is_current<U>(own), "what is written is current");
      expect(Codec::template may_begin_with<U>(static_cast<unsigned char>((own + '\0').front())) ||
                 own.empty(),
             "a codec says which bytes its records begin with");
    });
  };
  (one.template operator()<T>(), ...);
}

}  // namespace varve_test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  varve_test::takes([&] { fuzz({reinterpret_cast<const char*>(data), size}); });
  return 0;
}
