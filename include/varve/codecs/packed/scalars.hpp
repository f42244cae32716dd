// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/wire.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <variant>

namespace varve::detail::packed {

/// `wchar_t` and `long double` differ from machine to machine.
template <class T>
concept Number = (std::integral<T> && std::same_as<T, std::remove_cv_t<T>> &&
                  !std::same_as<T, bool> && !std::same_as<T, wchar_t> && sizeof(T) <= 8) ||
                 std::same_as<T, float> || std::same_as<T, double>;

template <Number T>
struct Wire<T> {
  static constexpr bool fixed = true;
  static constexpr bool always_valid = true;
  static constexpr bool in_memory = true;
  static constexpr std::size_t bytes = sizeof(T);
  using View = T;

  static char* put(T value, char* to) noexcept {
    store(to, value);
    return to + bytes;
  }
  static T take(const char* from) noexcept { return load<T>(from); }
  static View view(const char* from) noexcept { return take(from); }

  static constexpr void describe(Describer& out) {
    if constexpr (std::same_as<T, char>) {
      out.text("char");  // It has a sign on one machine and none on another.
    } else {
      out.text(std::floating_point<T> ? "f" : std::signed_integral<T> ? "i" : "u");
      out.number(8 * sizeof(T));
    }
  }
};

template <>
struct Wire<bool> {
  static constexpr bool fixed = true;
  static constexpr bool always_valid = false;
  static constexpr bool in_memory = sizeof(bool) == 1;
  static constexpr std::size_t bytes = 1;
  using View = bool;

  static char* put(bool value, char* to) noexcept {
    *to = value ? '\x01' : '\x00';
    return to + 1;
  }
  static void check(const char* from) {
    if (*from != 0 && *from != 1) refuse("a bool is neither 0 nor 1");
  }
  static bool take(const char* from) noexcept { return *from != 0; }
  static View view(const char* from) noexcept { return take(from); }

  static constexpr void describe(Describer& out) { out.text("bool"); }
};

template <>
struct Wire<std::monostate> {
  static constexpr bool fixed = true;
  static constexpr bool always_valid = true;
  static constexpr bool in_memory = false;
  static constexpr std::size_t bytes = 0;
  using View = std::monostate;

  static char* put(std::monostate, char* to) noexcept { return to; }
  static std::monostate take(const char*) noexcept { return {}; }
  static View view(const char*) noexcept { return {}; }

  static constexpr void describe(Describer& out) { out.text("()"); }
};

/// A type that is another one by another name.
template <class T, class Base>
struct WireAs : Base {
  using View = T;

  static T take(const char* from) noexcept { return T(Base::take(from)); }
  static View view(const char* from) noexcept { return take(from); }
};

template <class T>
  requires std::is_enum_v<T> && Packable<std::underlying_type_t<T>>
struct Wire<T> : WireAs<T, Wire<std::underlying_type_t<T>>> {
  static char* put(T value, char* to) noexcept {
    using Base = std::underlying_type_t<T>;
    return Wire<Base>::put(static_cast<Base>(value), to);
  }
};

// Told by what they have, since <chrono> is a third of what this header would cost to compile.

template <class T>
concept Duration = requires(T time) {
  requires Number<typename T::rep>;
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
struct Wire<T> : WireAs<T, Wire<typename T::rep>> {
  using Base = Wire<typename T::rep>;

  static char* put(T value, char* to) noexcept { return Base::put(value.count(), to); }

  static constexpr void describe(Describer& out) {
    out.text("time ");
    out.number(T::period::num);
    out.text("/");
    out.number(T::period::den);
    out.text(" ");
    Base::describe(out);
  }
};

template <TimePoint T>
struct Wire<T> : WireAs<T, Wire<typename T::duration>> {
  static char* put(T value, char* to) noexcept {
    return Wire<typename T::duration>::put(value.time_since_epoch(), to);
  }
};

}  // namespace varve::detail::packed
