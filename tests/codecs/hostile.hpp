// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

/// The kind of the error that `call` throws; none where it throws nothing.
template <class Call>
std::optional<varve::ErrorKind> kind_of(Call call) {
  try {
    static_cast<void>(call());
    return std::nullopt;
  } catch (const varve::Error& error) {
    return error.kind();
  }
}

inline bool is_corruption(varve::ErrorKind kind) {
  return kind == varve::ErrorKind::corruption;
}

/// Calls `read(bytes)` with random bytes, and with encodings in which some bytes are random. Every
/// call must succeed, or throw an error that `may_be` allows.
template <class Read, class MayBe>
void throw_bytes_at(Read read, const std::vector<std::string>& good, MayBe may_be,
                    std::size_t rounds = 3000) {
  const std::uint64_t seed = varve::testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t round = 0; round != rounds; ++round) {
    std::string bytes;
    if (round % 2 == 0 || good.empty()) {
      bytes.resize(below(40));
      for (char& byte : bytes) byte = static_cast<char>(random());
    } else {
      bytes = good[below(good.size())];
      for (std::size_t i = 0; i != 3 && !bytes.empty(); ++i) {
        bytes[below(bytes.size())] = static_cast<char>(random());
      }
      if (random() % 4 == 0) bytes.resize(below(bytes.size() + 20));
    }
    // On the heap and exactly as long, so that a sanitizer sees each byte that is read beyond it.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto kind = kind_of([&] {
      read(varve::BytesView(exact.data(), exact.size()));
      return 0;
    });
    if (kind && !may_be(*kind)) FAIL("bytes are refused with another error");
  }
}

template <class C, class T, class MayBe>
void expect_bounded(const std::vector<T>& values, MayBe may_be, std::size_t rounds = 3000) {
  std::vector<std::string> good;
  for (const T& value : values) C::encode(value, good.emplace_back());
  throw_bytes_at([](varve::BytesView bytes) { static_cast<void>(C::template decode<T>(bytes)); },
                 good, may_be, rounds);
}

}  // namespace varve_test
