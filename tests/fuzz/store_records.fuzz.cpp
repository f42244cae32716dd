// SPDX-License-Identifier: Apache-2.0
// What a store says of itself: the file AUTHORITY and the record of the stack, each with the one
// spelling.
#include <varve/authority.hpp>
#include <varve/stack_record.hpp>

#include "fuzz/mended.hpp"

using namespace varve;

void mend(std::string& input, unsigned) {
  const std::size_t line = input.rfind("crc32c ");
  if (line == std::string::npos) return;
  input.resize(line);
  input += "crc32c " + detail::to_hex(crc32c(input), 8) + "\n";
}

void fuzz(BytesView input) {
  if (const auto authority = detail::parse_authority(input)) {
    varve_test::expect(detail::authority_text(*authority) == input, "AUTHORITY has one spelling");
  }
  if (const auto layers = detail::parse_stack(input)) {
    varve_test::expect(detail::stack_text(*layers) == input, "the record has one spelling");
  }
}
