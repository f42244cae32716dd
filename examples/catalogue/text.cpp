// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace catalogue {

namespace {

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += starts_character(c) ? 1U : 0U;
  return count;
}

constexpr std::array time_units{"ns", "us", "ms", "s"};
constexpr std::array size_units{"B", "kB", "MB", "GB", "TB"};

std::string three_digits(double value) {
  std::array<char, 32> text{};
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

/// How often `value` is divided by 1000 before it has three digits or fewer.
std::size_t unit_of(double value, std::size_t units) {
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < units; ++unit) value /= 1000;
  return unit;
}

double scaled(double value, std::size_t unit) {
  for (; unit > 0; --unit) value /= 1000;
  return value;
}

std::string in_unit(double value, std::span<const char* const> units) {
  const std::size_t unit = unit_of(value, units.size());
  std::string text = unit == 0 ? grouped(static_cast<std::uint64_t>(value + 0.5))
                               : three_digits(scaled(value, unit));
  return text + " " + units[unit];
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string left(std::string_view text, std::size_t width) {
  const std::size_t size = characters(text);
  return std::string(text) + std::string(size < width ? width - size : 0, ' ');
}

std::string right(std::string_view text, std::size_t width) {
  const std::size_t size = characters(text);
  return std::string(size < width ? width - size : 0, ' ') + std::string(text);
}

std::string shortened(std::string_view text, std::size_t width) {
  if (characters(text) <= width) return std::string(text);
  std::size_t kept = 0;
  std::size_t count = 0;
  for (; kept < text.size(); ++kept) {
    if (starts_character(text[kept]) && count++ + 3 == width) break;
  }
  return std::string(text.substr(0, kept)) + "...";
}

std::string duration(double nanoseconds) {
  return in_unit(nanoseconds, time_units);
}

std::string durations(std::span<const double> nanoseconds) {
  const std::size_t unit = unit_of(std::ranges::max(nanoseconds), time_units.size());
  std::string text;
  for (const double one : nanoseconds) {
    text.append(text.empty() ? "" : " / ").append(three_digits(scaled(one, unit)));
  }
  return text + " " + time_units[unit];
}

std::string bytes(double count) {
  return in_unit(count, size_units);
}

std::string hex(std::uint32_t number) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", number);
  return text.data();
}

}  // namespace catalogue
