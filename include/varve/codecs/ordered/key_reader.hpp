// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <cstddef>
#include <cstring>
#include <string>

namespace varve::detail::ordered {

inline constexpr char zero = '\x00';
inline constexpr char escape = '\xff';

[[noreturn]] inline void refuse_key(const char* what) {
  throw Error(ErrorKind::corruption,
              {.message = std::string("these bytes are no ordered key of this type: ") + what +
                          "; the tree was written with another key type, or is damaged",
               .operation = "decode",
               .layer = "ordered"});
}

/// Takes a key apart from its front. Within a descending part every bit is turned.
class KeyReader {
 public:
  explicit KeyReader(BytesView bytes) noexcept : left_(bytes) {}

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

  void invert() noexcept { mask_ = static_cast<char>(~mask_); }

  void take(char* to, std::size_t size) {
    if (left_.size() < size) refuse_key("they end too soon");
    for (std::size_t i = 0; i != size; ++i) to[i] = plain(left_[i]);
    left_.remove_prefix(size);
  }

  [[nodiscard]] char take_byte() {
    char byte = 0;
    take(&byte, 1);
    return byte;
  }

  /// Appends an escaped byte string, less its end.
  template <class Bytes>
  void take_escaped(Bytes& to) {
    const char end = plain(zero);
    for (;;) {
      const void* const found = std::memchr(left_.data(), end, left_.size());
      if (found == nullptr) refuse_key("a byte string has no end");
      const auto run = static_cast<std::size_t>(static_cast<const char*>(found) - left_.data());
      if (run + 1 == left_.size()) refuse_key("a byte string has no end");
      for (std::size_t i = 0; i != run; ++i) add(to, left_[i]);
      const char mark = plain(left_[run + 1]);
      left_.remove_prefix(run + 2);
      if (mark == zero) return;
      if (mark != escape) refuse_key("a zero within a byte string is not escaped");
      add(to, end);
    }
  }

 private:
  template <class Bytes>
  void add(Bytes& to, char stored) const {
    to.push_back(static_cast<typename Bytes::value_type>(plain(stored)));
  }

  [[nodiscard]] char plain(char stored) const noexcept { return static_cast<char>(stored ^ mask_); }

  BytesView left_;
  char mask_ = 0;
};

}  // namespace varve::detail::ordered
