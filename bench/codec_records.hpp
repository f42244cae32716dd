// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

// The records that codecs.bench.cpp writes and reads with each codec.
namespace bench {

struct Hash {
  std::array<std::uint8_t, 32> bytes;
  bool operator==(const Hash&) const = default;
};

/// About 100 bytes: numbers, two short strings, a list of numbers.
struct Reading {
  std::uint64_t id;
  std::int64_t time;
  double value;
  std::uint32_t flags;
  std::string sensor;
  std::string unit;
  std::vector<std::uint32_t> samples;
  bool operator==(const Reading&) const = default;
};

/// About 250 bytes: a vertex of a graph that is addressed by hashes.
struct Vertex {
  Hash id;
  std::uint64_t height;
  std::int64_t timestamp;
  std::vector<Hash> parents;
  std::string payload;
  bool finalized;
  bool operator==(const Vertex&) const = default;
};

struct Line {
  std::uint64_t article;
  double price;
  std::uint32_t count;
  std::string text;
  bool operator==(const Line&) const = default;
};

/// About 1 KB: records within a record, a map, a list of strings.
struct Order {
  std::uint64_t number;
  std::string customer;
  std::vector<Line> lines;
  std::map<std::string, std::string> notes;
  std::vector<std::string> tags;
  bool paid;
  bool operator==(const Order&) const = default;
};

class Random {
 public:
  [[nodiscard]] std::uint64_t number() { return random_(); }
  [[nodiscard]] double fraction() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }
  [[nodiscard]] std::string text(std::size_t size) {
    std::string text(size, '\0');
    for (char& letter : text) letter = static_cast<char>('a' + random_() % 26);
    return text;
  }
  [[nodiscard]] Hash hash() {
    Hash hash{};
    for (std::uint8_t& byte : hash.bytes) byte = static_cast<std::uint8_t>(random_());
    return hash;
  }

 private:
  std::mt19937_64 random_{1};
};

template <class T>
T make();

template <>
inline Reading make() {
  Random random;
  Reading reading{.id = random.number(),
                  .time = static_cast<std::int64_t>(random.number() >> 3U),
                  .value = random.fraction(),
                  .flags = static_cast<std::uint32_t>(random.number()),
                  .sensor = random.text(12),
                  .unit = random.text(8),
                  .samples = {}};
  for (int i = 0; i != 10; ++i) {
    reading.samples.push_back(static_cast<std::uint32_t>(random.number()));
  }
  return reading;
}

template <>
inline Vertex make() {
  Random random;
  return {.id = random.hash(),
          .height = 1'234'567,
          .timestamp = 1'700'000'000'123,
          .parents = {random.hash(), random.hash(), random.hash()},
          .payload = random.text(100),
          .finalized = true};
}

template <>
inline Order make() {
  Random random;
  Order order{.number = random.number(),
              .customer = random.text(20),
              .lines = {},
              .notes = {},
              .tags = {},
              .paid = true};
  for (std::uint32_t i = 0; i != 12; ++i) {
    order.lines.push_back({random.number(), random.fraction(), i * 1000, random.text(30)});
  }
  for (int i = 0; i != 6; ++i) order.notes.emplace(random.text(8), random.text(40));
  for (int i = 0; i != 8; ++i) order.tags.push_back(random.text(6));
  return order;
}

}  // namespace bench
