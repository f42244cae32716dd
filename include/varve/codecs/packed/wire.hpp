// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/describer.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

/// What docs/formats/packed.md is made of.
namespace varve::detail::packed {

/// How `T` is written. What is not specialised has no form on the wire.
///
/// Of all: `fixed`, whether all values have equally many bytes; `put(value, to)`, which answers
/// where it ends; `View`; `describe(out)`.
/// Of a fixed type: `bytes`, how many; `always_valid`, whether any bytes are a value; `in_memory`,
/// whether they are those of the object on a machine that is little-endian; `check(from)`, which
/// throws; `take(from)` and `view(from)` of checked bytes.
/// Of any other: `size(value)`; `check(bytes)`, `take(bytes)` and `view(bytes)` likewise.
template <class T>
struct Wire;

template <class T>
concept Packable = requires { Wire<T>::fixed; };

template <class T>
concept Fixed = Packable<T> && bool(Wire<T>::fixed);

[[noreturn]] inline void refuse(const char* what) {
  throw Error(ErrorKind::corruption,
              {.message = std::string("these bytes are no packed value of this type: ") + what +
                          "; they were written as another type, or are damaged",
               .operation = "decode",
               .layer = "packed"});
}

[[noreturn]] inline void refuse_value(const char* what) {
  throw Error(ErrorKind::invalid_argument,
              {.message = what, .operation = "encode", .layer = "packed"});
}

/// Whether any bytes, of the right number, are a value.
template <class T>
consteval bool is_always_valid() {
  if constexpr (Fixed<T>) {
    return Wire<T>::always_valid;
  } else {
    return false;
  }
}

// Values of known types, whether fixed or not

template <class T>
[[nodiscard]] std::size_t size_of(const T& value) {
  if constexpr (Fixed<T>) {
    return Wire<T>::bytes;
  } else {
    return Wire<T>::size(value);
  }
}

template <class T>
void check_piece(BytesView bytes) {
  if constexpr (Fixed<T>) {
    if (bytes.size() != Wire<T>::bytes) refuse("they are too few or too many");
    if constexpr (!Wire<T>::always_valid) Wire<T>::check(bytes.data());
  } else {
    Wire<T>::check(bytes);
  }
}

template <class T>
[[nodiscard]] T take_piece(BytesView bytes) {
  if constexpr (Fixed<T>) {
    return Wire<T>::take(bytes.data());
  } else {
    return Wire<T>::take(bytes);
  }
}

template <class T>
[[nodiscard]] typename Wire<T>::View view_piece(BytesView bytes) {
  if constexpr (Fixed<T>) {
    return Wire<T>::view(bytes.data());
  } else {
    return Wire<T>::view(bytes);
  }
}

/// What lies in memory as it is written.
template <class T>
concept InMemory =
    Fixed<T> && bool(Wire<T>::in_memory) && std::endian::native == std::endian::little;

// Numbers are little-endian.

template <class Number>
void store(char* to, Number number) noexcept {
  if constexpr (std::endian::native == std::endian::big && sizeof number > 1) {
    char* const bytes = reinterpret_cast<char*>(&number);
    for (std::size_t i = 0; i != sizeof number; ++i) to[i] = bytes[sizeof number - 1 - i];
  } else {
    std::memcpy(to, &number, sizeof number);
  }
}

template <class Number>
[[nodiscard]] Number load(const char* from) noexcept {
  Number number;
  if constexpr (std::endian::native == std::endian::big && sizeof number > 1) {
    char* const bytes = reinterpret_cast<char*>(&number);
    for (std::size_t i = 0; i != sizeof number; ++i) bytes[sizeof number - 1 - i] = from[i];
  } else {
    std::memcpy(&number, from, sizeof number);
  }
  return number;
}

// Offsets are as wide as the greatest of them needs: 1, 2 or 4 bytes.

[[nodiscard]] inline std::size_t width_for(std::size_t greatest) {
  if (greatest <= 0xff) return 1;
  if (greatest <= 0xffff) return 2;
  if (greatest > std::numeric_limits<std::uint32_t>::max()) {
    refuse_value("a packed value has 4 GiB at most: split it over several records");
  }
  return 4;
}

inline void store_offset(char* to, std::size_t width, std::size_t offset) noexcept {
  if (width == 1) return store(to, static_cast<std::uint8_t>(offset));
  if (width == 2) return store(to, static_cast<std::uint16_t>(offset));
  store(to, static_cast<std::uint32_t>(offset));
}

[[nodiscard]] inline std::size_t load_offset(const char* from, std::size_t width) noexcept {
  if (width == 1) return load<std::uint8_t>(from);
  if (width == 2) return load<std::uint16_t>(from);
  return load<std::uint32_t>(from);
}

/// The width in the first byte of `bytes`.
[[nodiscard]] inline std::size_t check_width(BytesView bytes) {
  if (bytes.empty()) refuse("they end too soon");
  const auto width = static_cast<unsigned char>(bytes.front());
  if (width != 1 && width != 2 && width != 4) refuse("offsets are 1, 2 or 4 bytes wide");
  return width;
}

}  // namespace varve::detail::packed
