// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace varve::testing {

using GeneratorRandom = std::mt19937_64;

/// How values of `T` are made for tests: specialise it for types of your own, and where not every
/// value is a good one.
///
///     template <>
///     struct varve::testing::Generator<Colour> {
///       static Colour make(GeneratorRandom& random) { return Colour(random() % 3); }
///     };
template <class T>
struct Generator;

/// A value of `T`: empty ones, extreme ones and any others.
template <class T>
[[nodiscard]] T generate(GeneratorRandom& random) {
  return Generator<T>::make(random);
}

/// How a record is made with the key that it lies under: any key, unless it is specialised for a
/// tree whose keys say what their records are.
template <class RecordTree, class Record>
struct EntryGenerator {
  static std::pair<typename RecordTree::Key, Record> make(GeneratorRandom& random) {
    return {generate<typename RecordTree::Key>(random), generate<Record>(random)};
  }
};

template <std::integral T>
struct Generator<T> {
  static T make(GeneratorRandom& random) {
    if constexpr (std::same_as<T, bool>) {
      return random() % 2 == 0;
    } else {
      switch (random() % 6) {
        case 0: return T{0};
        case 1: return std::numeric_limits<T>::max();
        case 2: return std::numeric_limits<T>::min();
        case 3: return static_cast<T>(random() % 100);
        default: return static_cast<T>(random());
      }
    }
  }
};

template <std::floating_point T>
struct Generator<T> {
  static T make(GeneratorRandom& random) {
    return static_cast<T>(static_cast<std::int32_t>(random())) / T{8};
  }
};

template <>
struct Generator<std::string> {
  static std::string make(GeneratorRandom& random) {
    std::string text(random() % 4 == 0 ? 0 : random() % 20, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }
};

template <class T>
struct Generator<std::optional<T>> {
  static std::optional<T> make(GeneratorRandom& random) {
    if (random() % 3 == 0) return std::nullopt;
    return generate<T>(random);
  }
};

template <class T, std::size_t count>
struct Generator<std::array<T, count>> {
  static std::array<T, count> make(GeneratorRandom& random) {
    std::array<T, count> values{};
    for (T& value : values) value = generate<T>(random);
    return values;
  }
};

template <class T>
struct Generator<std::vector<T>> {
  static std::vector<T> make(GeneratorRandom& random) {
    std::vector<T> values;
    for (std::size_t left = random() % 5; left != 0; --left) values.push_back(generate<T>(random));
    return values;
  }
};

template <class T>
struct Generator<std::set<T>> {
  static std::set<T> make(GeneratorRandom& random) {
    std::set<T> values;
    for (std::size_t left = random() % 5; left != 0; --left) values.insert(generate<T>(random));
    return values;
  }
};

template <class Key, class T>
struct Generator<std::map<Key, T>> {
  static std::map<Key, T> make(GeneratorRandom& random) {
    std::map<Key, T> values;
    for (std::size_t left = random() % 5; left != 0; --left) {
      values.emplace(generate<Key>(random), generate<T>(random));
    }
    return values;
  }
};

template <class First, class Second>
struct Generator<std::pair<First, Second>> {
  static std::pair<First, Second> make(GeneratorRandom& random) {
    return {generate<First>(random), generate<Second>(random)};
  }
};

template <class... T>
struct Generator<std::tuple<T...>> {
  static std::tuple<T...> make(GeneratorRandom& random) {
    return std::tuple<T...>{generate<T>(random)...};
  }
};

template <class... T>
struct Generator<std::variant<T...>> {
  static std::variant<T...> make(GeneratorRandom& random) {
    using Make = std::variant<T...> (*)(GeneratorRandom&);
    static constexpr Make makers[] = {
        [](GeneratorRandom& with) -> std::variant<T...> { return generate<T>(with); }...};
    return makers[random() % sizeof...(T)](random);
  }
};

template <class Rep, class Period>
struct Generator<std::chrono::duration<Rep, Period>> {
  static std::chrono::duration<Rep, Period> make(GeneratorRandom& random) {
    return std::chrono::duration<Rep, Period>(generate<Rep>(random));
  }
};

template <class T>
  requires varve::detail::StructOfMembers<T>
struct Generator<T> {
  static T make(GeneratorRandom& random) {
    T value{};
    varve::detail::with_members(value, [&](auto&... members) {
      ((members = generate<std::remove_cvref_t<decltype(members)>>(random)), ...);
    });
    return value;
  }
};

}  // namespace varve::testing
