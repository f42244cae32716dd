// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/aggregate.hpp>
#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

namespace detail::raw {

template <class T>
struct IsArray : std::false_type {};
template <class T, std::size_t count>
struct IsArray<std::array<T, count>> : std::true_type {};

template <class T>
concept Number = std::integral<T> || std::same_as<T, float> || std::same_as<T, double>;

/// Of an enumeration that takes every value of its integer, and no other does.
template <class T>
concept OpenEnum = std::is_enum_v<T> && requires { T{std::underlying_type_t<T>{}}; };

/// Whether every byte of `T` belongs to a number, and no address is among them.
template <class T>
consteval bool is_dense() {
  if constexpr (Number<T> || OpenEnum<T>) {
    return true;
  } else if constexpr (IsArray<T>::value) {
    return std::tuple_size_v<T> != 0 && is_dense<typename T::value_type>();
  } else if constexpr (PlainAggregate<T> && std::is_trivially_copyable_v<T>) {
    return decltype(with_members(std::declval<T&>(), []<class... M>(M&...) {
      return std::bool_constant < (is_dense<M>() && ...) && (sizeof(M) + ...) == sizeof(T) > {};
    }))::value;
  } else {
    return false;
  }
}

/// Every bit pattern is a number, but of a bool.
template <class T>
bool bools_are_valid(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    unsigned char byte = 0;
    std::memcpy(&byte, &value, 1);
    return byte <= 1;
  } else if constexpr (IsArray<T>::value) {
    for (const auto& element : value) {
      if (!bools_are_valid(element)) return false;
    }
    return true;
  } else if constexpr (std::is_class_v<T>) {
    return with_members(value, [](const auto&... m) { return (bools_are_valid(m) && ...); });
  } else {
    return true;
  }
}

[[noreturn]] inline void refuse(const char* what) {
  throw Error(
      ErrorKind::corruption,
      {.message = std::string(what) + "; the tree was written with another type, or is damaged",
       .operation = "decode",
       .layer = "raw"});
}

}  // namespace detail::raw

/// A type whose bytes in memory can be its bytes in a store: numbers, enums with a stated integer,
/// `std::array` and plain structs of these, without padding, and with a `layout_name`.
template <class T>
concept RawType =
    std::is_trivially_copyable_v<T> && detail::raw::is_dense<T>() && !layout_name<T>.empty();

/// The loud twin of `RawType`.
template <class T>
consteval bool assert_raw_type() {
  static_assert(std::is_trivially_copyable_v<T>, "a RawType is trivially copyable");
  static_assert(detail::raw::is_dense<T>(),
                "a RawType is made of numbers, enums with a stated integer, std::array and structs "
                "of these, and has no padding: add members where it has, and zero them");
  static_assert(!layout_name<T>.empty(),
                "say that the bytes of this type in memory are a format: specialise "
                "varve::layout_name for it");
  return RawType<T>;
}

/// A record read in place. Lives as long as its bytes.
template <RawType T>
class RawView {
 public:
  explicit RawView(BytesView bytes) noexcept : bytes_(bytes.data()) {}

  /// A member, as in `view.template get<&Point::x>()`. Costs a load, at any alignment.
  template <auto member>
  [[nodiscard]] auto get() const noexcept {
    return decode().*member;
  }

  [[nodiscard]] T decode() const noexcept {
    T value;
    std::memcpy(&value, bytes_, sizeof value);
    return value;
  }

 private:
  const char* bytes_;
};

/// Writes a value as it lies in memory: the fastest codec, and the one that forgives the least. The
/// bytes are those of a little-endian machine with the integers of this one; other machines do not
/// compile. Nothing tells a changed struct of the same size but its `layout_name`.
struct Raw {
  static_assert(std::endian::native == std::endian::little,
                "Raw writes little-endian memory as it is: take Packed");
  static constexpr BytesView name = "raw";

  template <RawType T>
  static void encode(const T& value, ByteSink auto& sink) {
    sink.append(BytesView(reinterpret_cast<const char*>(&value), sizeof value));
  }

  /// Errors: `corruption` for bytes of another size, or a bool that is neither 0 nor 1.
  template <RawType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    return view<T>(bytes).decode();
  }

  template <RawType T>
  [[nodiscard]] static RawView<T> view(BytesView bytes) {
    if (bytes.size() != sizeof(T)) detail::raw::refuse("the record has not the size of its type");
    const RawView<T> seen(bytes);
    if (!detail::raw::bools_are_valid(seen.decode())) {
      detail::raw::refuse("a bool is neither 0 nor 1");
    }
    return seen;
  }

  /// The size of the type and its `layout_name`.
  template <RawType T>
  [[nodiscard]] static BytesView identity() {
    static const std::string text = std::to_string(sizeof(T)) + " " + std::string(layout_name<T>);
    return text;
  }
};

}  // namespace varve
