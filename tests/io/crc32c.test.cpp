// SPDX-License-Identifier: Apache-2.0
#include <varve/io/crc32c.hpp>

#include "catch.hpp"

#include <string>

using varve::crc32c;

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST_CASE("crc32c: gives the published answers") {
  CHECK(crc32c("") == 0U);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  CHECK(crc32c(ascending) == 0x46dd794eU);
}

TEST_CASE("crc32c: the portable form and the processor's give the same, at every length") {
  std::string bytes;
  for (unsigned i = 0; i < 300; ++i) {
    CHECK(crc32c(bytes) == ~varve::detail::crc32c_portable(~0U, bytes));
    bytes.push_back(static_cast<char>(i * 37U + 11U));
  }
}

TEST_CASE("crc32c: goes on where it stopped") {
  const std::string bytes = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CHECK(crc32c(bytes.substr(cut), crc32c(bytes.substr(0, cut))) == crc32c(bytes));
  }
}
