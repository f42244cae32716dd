// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/pieces.hpp>
#include <varve/codecs/packed/sequence.hpp>
#include <varve/codecs/packed/wire.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::detail::packed {

template <>
struct Wire<std::string> {
  static constexpr bool fixed = false;
  using View = BytesView;

  static std::size_t size(const std::string& value) noexcept { return value.size(); }
  static char* put(const std::string& value, char* to) noexcept {
    return to + value.copy(to, value.size());
  }
  static void check(BytesView) noexcept {}
  static std::string take(BytesView bytes) { return std::string(bytes); }
  static View view(BytesView bytes) noexcept { return bytes; }

  static constexpr void describe(Describer& out) { out.text("bytes"); }
};

/// How many bytes the elements of `values` have, and how many stand before the last of them.
template <class T, class Values>
std::pair<std::size_t, std::size_t> measure_list(const Values& values) {
  std::size_t data = 0;
  std::size_t last_end = 0;
  for (const T& value : values) {
    last_end = data;
    data += Wire<T>::size(value);
  }
  return {data, last_end};
}

/// Writes the ends at `ends`, and the elements of `values` behind them.
template <class T, class Values>
char* put_pieces(const Values& values, char* ends, std::size_t width) {
  std::size_t left = values.size();
  char* const data = ends + (left - 1) * width;
  char* next = data;
  for (const T& value : values) {
    next = Wire<T>::put(value, next);
    if (--left == 0) break;
    store_offset(ends, width, static_cast<std::size_t>(next - data));
    ends += width;
  }
  return next;
}

[[nodiscard]] inline std::size_t list_width(std::size_t count, std::size_t last_end) {
  return width_for(last_end < count ? count : last_end);
}

template <class T, class Values>
std::size_t size_of_list(const Values& values) {
  if constexpr (Fixed<T>) {
    return values.size() * Wire<T>::bytes;
  } else {
    if (values.empty()) return 0;
    const auto [data, last_end] = measure_list<T>(values);
    return 1 + list_width(values.size(), last_end) * values.size() + data;
  }
}

template <class T, class Values>
concept Contiguous = requires(const Values& values) {
  { values.data() } -> std::same_as<const T*>;
};

template <class T, class Values>
char* put_list(const Values& values, char* to) {
  if (values.empty()) return to;
  if constexpr (!Fixed<T>) {
    const std::size_t width = list_width(values.size(), measure_list<T>(values).second);
    *to = static_cast<char>(width);
    store_offset(to + 1, width, values.size());
    return put_pieces<T>(values, to + 1 + width, width);
  } else if constexpr (InMemory<T> && Contiguous<T, Values>) {
    const std::size_t bytes = values.size() * sizeof(T);
    std::memcpy(to, values.data(), bytes);
    return to + bytes;
  } else {
    for (const T& value : values) to = Wire<T>::put(value, to);
    return to;
  }
}

template <Listable T>
struct Wire<std::vector<T>> {
  static constexpr bool fixed = false;
  using View = PackedSequence<T>;

  static std::size_t size(const std::vector<T>& values) { return size_of_list<T>(values); }
  static char* put(const std::vector<T>& values, char* to) { return put_list<T>(values, to); }
  static void check(BytesView bytes) { check_list<T>(bytes); }
  static std::vector<T> take(BytesView bytes) {
    const pieces_t<T> pieces = pieces_of_list<T>(bytes);
    std::vector<T> values;
    if constexpr (InMemory<T> && std::is_default_constructible_v<T> && !std::is_same_v<T, bool>) {
      values.resize(pieces.count());
      if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    } else {
      values.reserve(pieces.count());
      for (std::size_t i = 0; i != pieces.count(); ++i) {
        values.push_back(take_piece<T>(pieces.piece(i)));
      }
    }
    return values;
  }
  static View view(BytesView bytes) noexcept { return View(pieces_of_list<T>(bytes)); }

  static constexpr void describe(Describer& out) {
    out.text("[]");
    Wire<T>::describe(out);
  }
};

template <class T, std::size_t count>
constexpr void describe_array(Describer& out) {
  out.text("[");
  out.number(count);
  out.text("]");
  Wire<T>::describe(out);
}

template <class T, std::size_t count, class PieceAt>
std::array<T, count> take_array(PieceAt piece_at) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<T, count>{{take_piece<T>(piece_at(i))...}};
  }(std::make_index_sequence<count>());
}

/// The elements of a fixed size, one after another.
template <Fixed T, std::size_t count>
struct Wire<std::array<T, count>> {
  static constexpr bool fixed = true;
  static constexpr bool always_valid = Wire<T>::always_valid;
  static constexpr bool in_memory = Wire<T>::in_memory && count != 0;
  static constexpr std::size_t bytes = count * Wire<T>::bytes;
  using Array = std::array<T, count>;
  using View = Array;

  static char* put(const Array& values, char* to) {
    if constexpr (InMemory<Array>) {
      std::memcpy(to, values.data(), bytes);
      return to + bytes;
    } else {
      for (const T& value : values) to = Wire<T>::put(value, to);
      return to;
    }
  }
  static void check(const char* from) {
    for (std::size_t i = 0; i != count; ++i) {
      if constexpr (!always_valid) Wire<T>::check(from + i * Wire<T>::bytes);
    }
  }
  static Array take(const char* from) {
    if constexpr (InMemory<Array> && std::is_trivially_copyable_v<T>) {
      std::array<char, sizeof(Array)> raw;
      std::memcpy(raw.data(), from, bytes);
      return std::bit_cast<Array>(raw);
    } else {
      return take_array<T, count>(
          [&](std::size_t i) { return BytesView(from + i * Wire<T>::bytes, Wire<T>::bytes); });
    }
  }
  static View view(const char* from) { return take(from); }

  static constexpr void describe(Describer& out) { describe_array<T, count>(out); }
};

/// As a struct of `count` members.
template <class T, std::size_t count>
  requires(Packable<T> && !Fixed<T> && count != 0)
struct Wire<std::array<T, count>> {
  static constexpr bool fixed = false;
  using Array = std::array<T, count>;
  using View = PackedSequence<T>;

  static std::size_t size(const Array& values) {
    const auto [data, last_end] = measure_list<T>(values);
    return data + (count == 1 ? 0 : 1 + width_for(last_end) * (count - 1));
  }
  static char* put(const Array& values, char* to) {
    if constexpr (count == 1) {
      return Wire<T>::put(values[0], to);
    } else {
      const std::size_t width = width_for(measure_list<T>(values).second);
      *to = static_cast<char>(width);
      return put_pieces<T>(values, to + 1, width);
    }
  }
  static void check(BytesView bytes) {
    if constexpr (count != 1) {
      const std::size_t width = check_width(bytes);
      if ((bytes.size() - 1) / width < count - 1) refuse("they end too soon");
      if (width_for(pieces(bytes).check(Wire<T>::check)) != width) {
        refuse("offsets are wider than need be");
      }
    } else {
      Wire<T>::check(bytes);
    }
  }
  static Array take(BytesView bytes) {
    return take_array<T, count>([&](std::size_t i) { return pieces(bytes).piece(i); });
  }
  static View view(BytesView bytes) noexcept { return View(pieces(bytes)); }

  static constexpr void describe(Describer& out) { describe_array<T, count>(out); }

 private:
  static Pieces pieces(BytesView bytes) noexcept {
    if constexpr (count == 1) return Pieces(nullptr, 0, 1, bytes);
    const std::size_t width = static_cast<unsigned char>(bytes.front());
    return Pieces(bytes.data() + 1, width, count, bytes.substr(1 + (count - 1) * width));
  }
};

}  // namespace varve::detail::packed
