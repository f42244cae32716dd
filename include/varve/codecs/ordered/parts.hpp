// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/aggregate.hpp>
#include <varve/codecs/descending.hpp>
#include <varve/codecs/fixed_text.hpp>
#include <varve/codecs/ordered/key_reader.hpp>
#include <varve/concepts/codec.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// How each type that has an order is written in a key: docs/formats/ordered.md. Every part tells
// its own end, so that parts stand one after another and none is a prefix of another.
namespace varve::detail::ordered {

/// What is not specialised has no order that bytes could have.
template <class T>
struct Part;

template <class T>
concept HasPart = requires { Part<T>::name; };

/// A part of always the same number of bytes has `bytes` and `put`; any other has `append`.
template <class T>
concept FixedPart = HasPart<T> && requires { Part<T>::bytes; };

template <class T, class Sink>
void append(const T& value, Sink& sink) {
  if constexpr (FixedPart<T>) {
    char buffer[Part<T>::bytes];
    Part<T>::put(value, buffer);
    sink.append(BytesView(buffer, sizeof buffer));
  } else {
    Part<T>::append(value, sink);
  }
}

/// Turns every bit on its way to a sink.
template <class Sink>
class InvertingSink {
 public:
  explicit InvertingSink(Sink& sink) noexcept : sink_(sink) {}

  void append(BytesView bytes) {
    char turned[64];
    while (!bytes.empty()) {
      const std::size_t some = bytes.size() < sizeof turned ? bytes.size() : sizeof turned;
      for (std::size_t i = 0; i != some; ++i) turned[i] = static_cast<char>(~bytes[i]);
      sink_.append(BytesView(turned, some));
      bytes.remove_prefix(some);
    }
  }

 private:
  Sink& sink_;
};

// Numbers

template <class Unsigned>
void put_big_endian(Unsigned value, char* to) noexcept {
  if constexpr (std::endian::native == std::endian::little && sizeof value == 8) {
    value = __builtin_bswap64(value);
    std::memcpy(to, &value, 8);
  } else {
    for (std::size_t i = sizeof value; i != 0; --i) {
      to[i - 1] = static_cast<char>(value);
      if constexpr (sizeof value > 1) value = static_cast<Unsigned>(value >> 8U);
    }
  }
}

template <class Unsigned>
[[nodiscard]] Unsigned take_big_endian(KeyReader& key) {
  char bytes[sizeof(Unsigned)];
  key.take(bytes, sizeof bytes);
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return static_cast<Unsigned>(value);
}

/// `char` and `wchar_t` have a sign on one machine and none on another.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                  !std::same_as<T, wchar_t> && sizeof(T) <= 8;

template <Integer T>
struct Part<T> {
  using Unsigned = std::make_unsigned_t<T>;
  static constexpr std::size_t bytes = sizeof(T);
  static constexpr auto name =
      FixedText(std::signed_integral<T> ? "i" : "u") + fixed_number<8 * sizeof(T)>();
  static constexpr Unsigned sign =
      std::signed_integral<T> ? static_cast<Unsigned>(Unsigned{1} << (8 * sizeof(T) - 1)) : 0;

  static void put(T value, char* to) noexcept {
    put_big_endian(static_cast<Unsigned>(static_cast<Unsigned>(value) ^ sign), to);
  }
  static T take(KeyReader& key) {
    return static_cast<T>(static_cast<Unsigned>(take_big_endian<Unsigned>(key) ^ sign));
  }
};

template <>
struct Part<bool> {
  static constexpr std::size_t bytes = 1;
  static constexpr FixedText name{"bool"};

  static void put(bool value, char* to) noexcept { *to = value ? '\x01' : '\x00'; }
  static bool take(KeyReader& key) {
    const char byte = key.take_byte();
    if (byte != 0 && byte != 1) refuse_key("a bool is neither 0 nor 1");
    return byte == 1;
  }
};

/// The total order of IEEE 754: -NaN, -infinity, ..., -0, +0, ..., +infinity, NaN.
template <class T>
  requires std::same_as<T, float> || std::same_as<T, double>
struct Part<T> {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr std::size_t bytes = sizeof(T);
  static constexpr auto name = FixedText("f") + fixed_number<8 * sizeof(T)>();
  static constexpr Bits sign = Bits{1} << (8 * sizeof(T) - 1);

  static void put(T value, char* to) noexcept {
    const Bits bits = std::bit_cast<Bits>(value);
    put_big_endian((bits & sign) != 0 ? static_cast<Bits>(~bits) : bits | sign, to);
  }
  static T take(KeyReader& key) {
    const Bits bits = take_big_endian<Bits>(key);
    return std::bit_cast<T>((bits & sign) != 0 ? bits & ~sign : static_cast<Bits>(~bits));
  }
};

template <class T>
  requires std::is_enum_v<T> && Integer<std::underlying_type_t<T>>
struct Part<T> : Part<std::underlying_type_t<T>> {
  using Number = std::underlying_type_t<T>;

  static void put(T value, char* to) noexcept { Part<Number>::put(static_cast<Number>(value), to); }
  static T take(KeyReader& key) { return static_cast<T>(Part<Number>::take(key)); }
};

// Times, told by what they have: <chrono> is a third of what this header would cost to compile.

template <class T>
concept Duration = requires(T time) {
  requires Integer<typename T::rep>;
  T::period::num;
  T::period::den;
  { time.count() } -> std::same_as<typename T::rep>;
};

template <class T>
concept TimePoint = requires(T time) {
  typename T::clock;
  requires Duration<typename T::duration>;
  { time.time_since_epoch() } -> std::same_as<typename T::duration>;
};

template <Duration T>
struct Part<T> {
  using Count = typename T::rep;
  static constexpr std::size_t bytes = Part<Count>::bytes;
  static constexpr auto name = FixedText("time ") + fixed_number<T::period::num>() +
                               FixedText("/") + fixed_number<T::period::den>() + FixedText(" ") +
                               Part<Count>::name;

  static void put(T value, char* to) noexcept { Part<Count>::put(value.count(), to); }
  static T take(KeyReader& key) { return T(Part<Count>::take(key)); }
};

template <TimePoint T>
struct Part<T> : Part<typename T::duration> {
  using Base = Part<typename T::duration>;

  static void put(T value, char* to) noexcept { Base::put(value.time_since_epoch(), to); }
  static T take(KeyReader& key) { return T(Base::take(key)); }
};

// Byte strings: a zero becomes 00 FF, the end is 00 00.

template <class T>
concept ByteString = std::same_as<T, std::string> || std::same_as<T, std::vector<std::byte>> ||
                     std::same_as<T, std::vector<unsigned char>>;

template <ByteString T>
struct Part<T> {
  static constexpr FixedText name{"bytes"};

  static void append(const T& value, ByteSink auto& sink) {
    BytesView left(reinterpret_cast<const char*>(value.data()), value.size());
    while (!left.empty()) {
      const void* const found = std::memchr(left.data(), 0, left.size());
      if (found == nullptr) break;
      const auto run = static_cast<std::size_t>(static_cast<const char*>(found) - left.data()) + 1;
      sink.append(left.substr(0, run));
      sink.append(BytesView(&escape, 1));
      left.remove_prefix(run);
    }
    sink.append(left);
    sink.append(BytesView("\0\0", 2));
  }
  static T take(KeyReader& key) {
    T value;
    key.take_escaped(value);
    return value;
  }
};

// Parts of parts

template <class T>
struct Part<Descending<T>> {
  static constexpr auto name = FixedText("~") + Part<T>::name;

  template <ByteSink Sink>
  static void append(const Descending<T>& value, Sink& sink) {
    InvertingSink<Sink> turned(sink);
    ordered::append(value.value, turned);
  }
  static Descending<T> take(KeyReader& key) {
    key.invert();
    Descending<T> value{Part<T>::take(key)};
    key.invert();
    return value;
  }
};

template <HasPart T>
struct Part<std::optional<T>> {
  static constexpr auto name = FixedText("?") + Part<T>::name;

  static void append(const std::optional<T>& value, ByteSink auto& sink) {
    sink.append(BytesView(value ? "\x01" : "\x00", 1));
    if (value) ordered::append(*value, sink);
  }
  static std::optional<T> take(KeyReader& key) {
    if (!Part<bool>::take(key)) return std::nullopt;
    return Part<T>::take(key);
  }
};

template <class T>
concept SingleByte = std::same_as<T, std::uint8_t> || std::same_as<T, std::byte>;

template <HasPart T, std::size_t count>
struct Part<std::array<T, count>> {
  static constexpr auto name =
      FixedText("[") + fixed_number<count>() + FixedText("]") + Part<T>::name;

  static void append(const std::array<T, count>& values, ByteSink auto& sink) {
    if constexpr (SingleByte<T>) {
      sink.append(BytesView(reinterpret_cast<const char*>(values.data()), count));
    } else {
      for (const T& value : values) ordered::append(value, sink);
    }
  }
  static std::array<T, count> take(KeyReader& key) {
    std::array<T, count> values;
    if constexpr (SingleByte<T>) {
      key.take(reinterpret_cast<char*>(values.data()), count);
    } else {
      for (T& value : values) value = Part<T>::take(key);
    }
    return values;
  }
};

}  // namespace varve::detail::ordered
