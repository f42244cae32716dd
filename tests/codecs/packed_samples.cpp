// SPDX-License-Identifier: Apache-2.0
//
// Prints packed values for packed_reader.py, a line each: the name of the type, the bytes, and the
// value as JSON.
#include <varve/codecs/packed.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

enum class Colour : std::int8_t { red = -1 };

struct Point {
  double x;
  float y;
};

struct Inner {
  std::uint16_t number;
  std::string text;
};

struct Everything {
  Colour colour;
  std::optional<std::uint32_t> number;
  std::string name;
  std::variant<std::monostate, bool, std::string, Inner> choice;
  std::map<std::string, std::uint64_t> counts;
  std::set<std::int16_t> set;
  std::vector<Inner> inners;
  std::vector<Point> points;
  std::array<std::string, 2> two;
  std::array<std::uint8_t, 3> id;
  bool open;
  std::chrono::milliseconds pause;
  std::vector<std::optional<std::vector<std::string>>> deep;
};

std::string json(const std::string& bytes) {
  std::string text = "\"";
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    text += digits;
  }
  return text + "\"";
}

template <class T>
  requires std::is_arithmetic_v<T>
std::string json(T number) {
  if constexpr (std::same_as<T, bool>) return number ? "true" : "false";
  return std::to_string(number);
}

std::string json(Colour colour) {
  return json(static_cast<int>(colour));
}
std::string json(std::chrono::milliseconds time) {
  return json(time.count());
}
std::string json(std::monostate) {
  return "[]";
}

template <class T>
std::string json(const std::optional<T>& value);
template <class... T>
std::string json(const std::variant<T...>& value);
template <class... T>
std::string json(const std::tuple<T...>& value);
template <class First, class Second>
std::string json(const std::pair<First, Second>& value);
template <class Range>
  requires requires(const Range& range) { range.begin(); }
std::string json(const Range& range);
template <varve::detail::StructOfMembers T>
  requires(!requires(const T& range) { range.begin(); })
std::string json(const T& value);

template <class... T>
std::string array(const T&... values) {
  std::string text;
  ((text += text.empty() ? "[" : ",", text += json(values)), ...);
  return text.empty() ? "[]" : text + "]";
}

template <class T>
std::string json(const std::optional<T>& value) {
  return value ? json(*value) : "null";
}
template <class... T>
std::string json(const std::variant<T...>& value) {
  return array(value.index()).substr(0, 2) + "," +
         std::visit([](const auto& held) { return json(held); }, value) + "]";
}
template <class... T>
std::string json(const std::tuple<T...>& value) {
  return std::apply([](const auto&... parts) { return array(parts...); }, value);
}
template <class First, class Second>
std::string json(const std::pair<First, Second>& value) {
  return array(value.first, value.second);
}
template <class Range>
  requires requires(const Range& range) { range.begin(); }
std::string json(const Range& range) {
  std::string text;
  for (const auto& value : range) {
    text += text.empty() ? "[" : ",";
    text += json(value);
  }
  return text.empty() ? "[]" : text + "]";
}
template <varve::detail::StructOfMembers T>
  requires(!requires(const T& range) { range.begin(); })
std::string json(const T& value) {
  return varve::detail::with_members(value,
                                     [](const auto&... members) { return array(members...); });
}

template <class T>
void print(const T& value) {
  std::string bytes;
  varve::Packed::encode(value, bytes);
  const std::string name(varve::Packed::identity<T>());
  const std::string hexadecimal = json(bytes);
  std::printf("%s\t%s\t%s\n", name.c_str(), hexadecimal.substr(1, hexadecimal.size() - 2).c_str(),
              json(value).c_str());
}

}  // namespace

int main() {
  using std::string;
  print(std::int64_t{-2});
  print(std::uint16_t{65535});
  print(0.5);
  print(true);
  print(string("a\0b", 3));
  print(std::tuple<>());
  print(std::vector<string>());
  print(std::vector<string>{"", "a", string(300, 'x'), "b"});
  print(std::vector<string>(256));
  print(std::vector<string>{string(70'000, 'x'), "b"});
  print(std::vector<std::pair<bool, std::uint16_t>>{{true, 1}, {false, 2}});
  print(std::optional<std::monostate>(std::monostate()));
  print(std::optional<std::optional<bool>>(std::optional<bool>()));
  print(std::optional<string>(""));
  print(std::tuple<string, std::uint8_t>("one", 1));
  print(std::tuple<string, bool, string, std::vector<std::uint32_t>>("a", true, "b", {1, 2}));
  print(std::array<std::vector<string>, 2>{{{"a", "b"}, {}}});
  print(Everything{});
  print(Everything{Colour::red,
                   7,
                   "name",
                   Inner{3, "c"},
                   {{"", 0}, {"a", 1}},
                   {-5, 256},
                   {{1, "one"}, {2, ""}},
                   {{1.5, -0.25F}, {0, 2}},
                   {"1", ""},
                   {1, 2, 3},
                   true,
                   std::chrono::milliseconds(-1),
                   {{}, std::vector<string>{"x", "y"}}});
}
