// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/document/kind.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

// The bytes of a document: docs/formats/document.md. Every value fills its slice of the bytes.
namespace varve::detail::document {

inline constexpr std::size_t max_depth = 100;
inline constexpr std::uint64_t max_size = 0xffff'ffff;

/// The high half of the first byte of a value. Do not change.
enum class Head : std::uint8_t {
  word = 0,      // null, false, true
  natural = 1,   // as many bytes as the low half says
  negative = 2,  // -1 less as many bytes
  floating = 3,
  string = 4,
  bytes = 5,
  array = 6,  // the low half: the logarithm of the width of counts and ends
  object = 7,
};

[[nodiscard]] constexpr char head_byte(Head head, std::size_t low) noexcept {
  return static_cast<char>(static_cast<std::size_t>(head) << 4U | low);
}
[[nodiscard]] constexpr std::size_t high_half(char head) noexcept {
  return static_cast<unsigned char>(head) >> 4U;
}
[[nodiscard]] constexpr std::size_t low_half(char head) noexcept {
  return static_cast<unsigned char>(head) & 0xfU;
}

[[nodiscard]] inline std::uint64_t load(const char* from, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i != 0; --i) {
    value = value << 8U | static_cast<unsigned char>(from[i - 1]);
  }
  return value;
}

inline void store(std::uint64_t value, char* to, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i != bytes; ++i, value >>= 8U) to[i] = static_cast<char>(value);
}

[[nodiscard]] constexpr std::size_t bytes_for(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value)) + 7) / 8;
}

/// The logarithm of the width of the fields in which `greatest` finds room.
[[nodiscard]] constexpr std::size_t width_log_for(std::uint64_t greatest) noexcept {
  return greatest < 0x100 ? 0 : greatest < 0x1'0000 ? 1 : 2;
}

[[noreturn]] inline void refuse(const char* what) {
  throw Error(ErrorKind::corruption,
              {.message = std::string("these bytes are no document: ") + what,
               .operation = "decode",
               .layer = "document"});
}

/// Where the parts of an array or an object lie, whose bytes have been checked.
class Container {
 public:
  explicit Container(BytesView value) noexcept
      : width_(std::size_t{1} << low_half(value.front())),
        count_(static_cast<std::size_t>(load(value.data() + 1, width_))),
        ends_(value.data() + 1 + width_) {
    const bool is_object = high_half(value.front()) == static_cast<std::size_t>(Head::object);
    keys_ = ends_ + count_ * width_ * (is_object ? 2 : 1);
    value_ends_ = is_object ? ends_ + count_ * width_ : ends_;
    values_ = is_object && count_ != 0 ? keys_ + end(ends_, count_ - 1) : keys_;
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] BytesView key(std::size_t at) const noexcept { return slice(ends_, keys_, at); }
  [[nodiscard]] BytesView value(std::size_t at) const noexcept {
    return slice(value_ends_, values_, at);
  }

  /// The place of `key`, or `count()`.
  [[nodiscard]] std::size_t find(BytesView wanted) const noexcept {
    std::size_t first = 0;
    std::size_t last = count_;
    while (first != last) {
      const std::size_t middle = first + (last - first) / 2;
      const int order = key(middle).compare(wanted);
      if (order == 0) return middle;
      if (order < 0) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    return count_;
  }

 private:
  [[nodiscard]] std::size_t end(const char* ends, std::size_t at) const noexcept {
    return static_cast<std::size_t>(load(ends + at * width_, width_));
  }
  [[nodiscard]] BytesView slice(const char* ends, const char* data, std::size_t at) const noexcept {
    const std::size_t begin = at == 0 ? 0 : end(ends, at - 1);
    return {data + begin, end(ends, at) - begin};
  }

  std::size_t width_;
  std::size_t count_;
  const char* ends_;  ///< of the keys, in an object
  const char* value_ends_ = nullptr;
  const char* keys_ = nullptr;
  const char* values_ = nullptr;
};

inline void check(BytesView value, std::size_t depth);

inline void check_container(BytesView value, bool is_object, std::size_t depth) {
  if (depth == max_depth) refuse("it is nested deeper than 100 levels");
  if (low_half(value.front()) > 2) refuse("an array or an object has an unknown width");
  const std::size_t width = std::size_t{1} << low_half(value.front());
  const BytesView rest = value.substr(1);
  if (rest.size() < width) refuse("an array or an object ends too soon");
  const std::uint64_t count = load(rest.data(), width);
  const std::size_t tables = is_object ? 2 : 1;
  if ((rest.size() - width) / (width * tables) < count) refuse("a count is greater than its bytes");

  const char* const ends = rest.data() + width;
  const char* const value_ends = is_object ? ends + count * width : ends;
  const BytesView data = rest.substr(width + static_cast<std::size_t>(count) * width * tables);
  const auto end = [&](const char* table, std::uint64_t at) {
    return load(table + at * width, width);
  };
  const std::uint64_t keys = is_object && count != 0 ? end(ends, count - 1) : 0;
  if (keys > data.size()) refuse("a key ends beyond its object");
  const std::uint64_t values = data.size() - keys;
  if ((count == 0 ? 0 : end(value_ends, count - 1)) != values) refuse("a value has a wrong end");
  if (width_log_for(std::max({count, keys, values})) != low_half(value.front())) {
    refuse("an array or an object is wider than it need be");
  }

  BytesView key_before;
  std::uint64_t key_begin = 0;
  std::uint64_t value_begin = 0;
  for (std::uint64_t at = 0; at != count; ++at) {
    if (is_object) {
      const std::uint64_t key_end = end(ends, at);
      if (key_end < key_begin || key_end > keys) refuse("a key has a wrong end");
      const BytesView key = data.substr(key_begin, key_end - key_begin);
      if (at != 0 && !(key_before < key)) refuse("the keys are not in order");
      key_before = key;
      key_begin = key_end;
    }
    const std::uint64_t value_end = end(value_ends, at);
    if (value_end < value_begin || value_end > values) refuse("a value has a wrong end");
    check(data.substr(keys + value_begin, value_end - value_begin), depth + 1);
    value_begin = value_end;
  }
}

/// Whether `value` is the one spelling of a value, down to its leaves; else throws `corruption`.
inline void check(BytesView value, std::size_t depth) {
  if (value.empty()) refuse("a value has no bytes");
  const std::size_t low = low_half(value.front());
  const std::size_t high = high_half(value.front());
  if (high > static_cast<std::size_t>(Head::object)) refuse("a value is of an unknown kind");
  const auto head = static_cast<Head>(high);
  switch (head) {
    case Head::word:
      if (low > 2 || value.size() != 1) refuse("a null or a boolean is malformed");
      return;
    case Head::natural:
    case Head::negative: {
      if (low > 8 || value.size() != 1 + low) refuse("an integer has not its size");
      if (low != 0 && value.back() == 0) refuse("an integer is longer than it need be");
      const std::uint64_t number = load(value.data() + 1, low);
      if (head == Head::negative && number > std::numeric_limits<std::int64_t>::max()) {
        refuse("an integer is below -2^63");
      }
      return;
    }
    case Head::floating:
      if (low != 8 || value.size() != 9) refuse("a floating-point number has not its size");
      return;
    case Head::string:
    case Head::bytes:
      if (low != 0) refuse("a string is malformed");
      return;
    case Head::array: return check_container(value, false, depth);
    case Head::object: return check_container(value, true, depth);
  }
}

}  // namespace varve::detail::document
