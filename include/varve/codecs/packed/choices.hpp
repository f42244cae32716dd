// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/wire.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

namespace varve::detail::packed {

/// None has no bytes. A value is itself where it has bytes of a known number, else 01 and itself.
template <Packable T>
struct Wire<std::optional<T>> {
  static constexpr bool fixed = false;
  using View = std::optional<typename Wire<T>::View>;

  static std::size_t size(const std::optional<T>& value) {
    return value ? mark + size_of<T>(*value) : 0;
  }
  static char* put(const std::optional<T>& value, char* to) {
    if (!value) return to;
    if constexpr (mark != 0) *to = '\x01';
    return Wire<T>::put(*value, to + mark);
  }
  static void check(BytesView bytes) {
    if (bytes.empty()) return;
    if constexpr (mark != 0) {
      if (bytes.front() != '\x01') refuse("an optional value starts with 01");
    }
    check_piece<T>(bytes.substr(mark));
  }
  static std::optional<T> take(BytesView bytes) {
    if (bytes.empty()) return std::nullopt;
    return take_piece<T>(bytes.substr(mark));
  }
  static View view(BytesView bytes) {
    if (bytes.empty()) return std::nullopt;
    return view_piece<T>(bytes.substr(mark));
  }

  static constexpr void describe(Describer& out) {
    out.text("?");
    Wire<T>::describe(out);
  }

 private:
  static constexpr std::size_t mark = [] {
    if constexpr (Fixed<T>) return Wire<T>::bytes == 0 ? 1 : 0;
    return 1;
  }();
};

/// One byte that says which, and its value.
template <Packable... T>
  requires(sizeof...(T) != 0 && sizeof...(T) <= 256)
struct Wire<std::variant<T...>> {
  static constexpr bool fixed = false;
  using Variant = std::variant<T...>;
  using View = std::variant<typename Wire<T>::View...>;

  static std::size_t size(const Variant& value) {
    if (value.valueless_by_exception()) refuse_value("a variant without a value cannot be stored");
    return 1 + std::visit([]<class Value>(const Value& v) { return size_of<Value>(v); }, value);
  }
  static char* put(const Variant& value, char* to) {
    *to = static_cast<char>(value.index());
    return std::visit([to]<class Value>(const Value& v) { return Wire<Value>::put(v, to + 1); },
                      value);
  }
  static void check(BytesView bytes) {
    if (bytes.empty()) refuse("they end too soon");
    const std::size_t index = static_cast<unsigned char>(bytes.front());
    if (index >= sizeof...(T)) refuse("a variant has fewer alternatives");
    std::size_t at = 0;
    ((at++ == index ? check_piece<T>(bytes.substr(1)) : void()), ...);
  }
  static Variant take(BytesView bytes) {
    return make<Variant>(bytes, []<class Value>(std::type_identity<Value>, BytesView piece) {
      return take_piece<Value>(piece);
    });
  }
  static View view(BytesView bytes) {
    return make<View>(bytes, []<class Value>(std::type_identity<Value>, BytesView piece) {
      return view_piece<Value>(piece);
    });
  }

  static constexpr void describe(Describer& out) {
    BytesView before = "<";
    ((out.text(before), Wire<T>::describe(out), before = "|"), ...);
    out.text(">");
  }

 private:
  template <class Result, std::size_t index = 0, class Use>
  static Result make(BytesView bytes, Use use) {
    if constexpr (index + 1 != sizeof...(T)) {
      if (static_cast<unsigned char>(bytes.front()) != index) {
        return make<Result, index + 1>(bytes, use);
      }
    }
    using Value = std::variant_alternative_t<index, Variant>;
    return Result(std::in_place_index<index>, use(std::type_identity<Value>(), bytes.substr(1)));
  }
};

}  // namespace varve::detail::packed
