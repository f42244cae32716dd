// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/packed/pieces.hpp>
#include <varve/codecs/packed/wire.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

namespace varve::detail::packed {

template <class T>
consteval std::size_t fixed_bytes_of() {
  if constexpr (Fixed<T>) {
    return Wire<T>::bytes;
  } else {
    return 0;
  }
}

/// Parts of several types as one value: `[width] fixed parts | ends of the others | the others`.
template <class... T>
struct Record {
  static constexpr std::size_t count = sizeof...(T);
  static constexpr std::size_t variable = (std::size_t{0} + ... + (Fixed<T> ? 0U : 1U));
  static constexpr std::size_t stored_ends = variable == 0 ? 0 : variable - 1;
  static constexpr std::size_t head = stored_ends == 0 ? 0 : 1;
  static constexpr std::size_t fixed_bytes = (std::size_t{0} + ... + fixed_bytes_of<T>());
  static constexpr std::size_t table = head + fixed_bytes;
  static constexpr bool always_valid = (is_always_valid<T>() && ...);

  /// Of a fixed part its offset, of another its number among these.
  static constexpr std::array<std::size_t, count> places = [] {
    constexpr bool is_fixed[] = {Fixed<T>..., false};
    constexpr std::size_t bytes[] = {fixed_bytes_of<T>()..., 0};
    std::array<std::size_t, count> found{};
    std::size_t offset = head;
    std::size_t number = 0;
    for (std::size_t i = 0; i != count; ++i) {
      found[i] = is_fixed[i] ? offset : number;
      (is_fixed[i] ? offset : number) += is_fixed[i] ? bytes[i] : 1;
    }
    return found;
  }();

  template <std::size_t index>
  using Part = std::tuple_element_t<index, std::tuple<T...>>;

  // Writing

  /// The bytes of the parts that are not fixed, and how many stand before the last of them.
  struct Extent {
    std::size_t data = 0;
    std::size_t last_end = 0;
  };

  static Extent measure(const T&... parts) {
    Extent extent;
    [[maybe_unused]] const auto add = [&]<class Value>(const Value& value) {
      if constexpr (!Fixed<Value>) {
        extent.last_end = extent.data;
        extent.data += Wire<Value>::size(value);
      }
    };
    (add(parts), ...);
    return extent;
  }

  static std::size_t size(const T&... parts) {
    const Extent extent = measure(parts...);
    if constexpr (stored_ends == 0) {
      return table + extent.data;
    } else {
      return table + stored_ends * width_for(extent.last_end) + extent.data;
    }
  }

  static char* put(char* to, const T&... parts) {
    if constexpr (stored_ends == 0) {
      return put_parts(to, 0, parts...);
    } else {
      const std::size_t width = width_for(measure(parts...).last_end);
      *to = static_cast<char>(width);
      return put_parts(to, width, parts...);
    }
  }

  // Reading

  static void check(BytesView bytes) {
    if (bytes.size() < table) refuse("they end too soon");
    if constexpr (variable == 0) {
      if (bytes.size() != table) refuse("something follows the value");
    } else if constexpr (stored_ends != 0) {
      const std::size_t width = check_width(bytes);
      if (bytes.size() - table < stored_ends * width) refuse("they end too soon");
      if (width_for(pieces(bytes).check([](BytesView) {})) != width)
        refuse("offsets are wider than need be");
    }
    for_each([&]<std::size_t i>() { check_part<i>(bytes); });
  }

  template <class Whole>
  static Whole take_all(BytesView bytes) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return Whole{take_piece<T>(piece<i>(bytes))...};
    }(std::index_sequence_for<T...>());
  }

  template <std::size_t index>
  static typename Wire<Part<index>>::View view(BytesView bytes) {
    return view_piece<Part<index>>(piece<index>(bytes));
  }

  /// The bytes of one part.
  template <std::size_t index>
  static BytesView piece(BytesView bytes) noexcept {
    if constexpr (Fixed<Part<index>>) {
      return BytesView(bytes.data() + places[index], Wire<Part<index>>::bytes);
    } else if constexpr (stored_ends == 0) {
      return BytesView(bytes.data() + table, bytes.size() - table);
    } else {
      return pieces(bytes).piece(places[index]);
    }
  }

 private:
  template <class Use>
  static constexpr void for_each(Use use) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (use.template operator()<i>(), ...);
    }(std::index_sequence_for<T...>());
  }

  static char* put_parts(char* to, std::size_t width, const T&... parts) {
    [[maybe_unused]] char* fixed = to + head;
    [[maybe_unused]] char* end_at = to + table;
    char* const data = to + table + stored_ends * width;
    char* next = data;
    [[maybe_unused]] std::size_t left = variable;
    [[maybe_unused]] const auto add = [&]<class Value>(const Value& value) {
      if constexpr (Fixed<Value>) {
        fixed = Wire<Value>::put(value, fixed);
      } else {
        next = Wire<Value>::put(value, next);
        if (--left == 0) return;
        store_offset(end_at, width, static_cast<std::size_t>(next - data));
        end_at += width;
      }
    };
    (add(parts), ...);
    return next;
  }

  static Pieces pieces(BytesView bytes) noexcept {
    const std::size_t width = static_cast<unsigned char>(bytes.front());
    return Pieces(bytes.data() + table, width, variable,
                  BytesView(bytes.data() + table + stored_ends * width,
                            bytes.size() - table - stored_ends * width));
  }

  template <std::size_t index>
  static void check_part(BytesView bytes) {
    if constexpr (!Fixed<Part<index>>) {
      Wire<Part<index>>::check(piece<index>(bytes));
    } else if constexpr (!Wire<Part<index>>::always_valid) {
      Wire<Part<index>>::check(bytes.data() + places[index]);
    }
  }
};

template <class List>
struct RecordOf;
template <class... T>
struct RecordOf<TypeList<T...>> {
  using type = Record<T...>;
};

/// The record that a struct, a tuple or a pair is.
template <class T>
using record_t = typename RecordOf<members_t<T>>::type;

}  // namespace varve::detail::packed
