// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "item.hpp"

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace catalogue {

/// `number` as bytes, the highest first, so that the order of the bytes is that of the numbers.
template <std::size_t Bytes>
void append_number(std::string& bytes, std::uint64_t number) {
  for (std::size_t i = Bytes; i-- > 0;) bytes += static_cast<char>((number >> (8 * i)) & 0xffU);
}

/// Takes a stored record apart. Throws `varve::Error` for bytes that are none.
class RecordReader {
 public:
  explicit RecordReader(varve::BytesView bytes) noexcept : left_(bytes) {}

  template <std::size_t Bytes>
  [[nodiscard]] std::uint64_t number() {
    std::uint64_t number = 0;
    for (const char c : take(Bytes)) number = (number << 8U) | static_cast<unsigned char>(c);
    return number;
  }

  [[nodiscard]] std::string_view text() { return take(number<2>()); }

 private:
  varve::BytesView take(std::size_t size) {
    if (size > left_.size()) {
      throw varve::Error(varve::ErrorKind::corruption,
                         {.message = "a record of the catalogue is cut off", .operation = "get"});
    }
    const varve::BytesView taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  varve::BytesView left_;
};

/// Facts as they are stored: the size in 8 bytes, then three texts, each after its length in 2.
inline std::string encode(const Facts& facts) {
  std::string record;
  append_number<8>(record, facts.size);
  for (const std::string* text : {&facts.version, &facts.section, &facts.summary}) {
    const std::string_view kept = std::string_view(*text).substr(0, 0xffff);
    append_number<2>(record, kept.size());
    record += kept;
  }
  return record;
}

inline Facts decode_facts(varve::BytesView record) {
  RecordReader reader(record);
  Facts facts;
  facts.size = reader.number<8>();
  for (std::string* text : {&facts.version, &facts.section, &facts.summary}) *text = reader.text();
  return facts;
}

}  // namespace catalogue
