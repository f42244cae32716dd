// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace varve_bench {

/// Numbers with the frequencies of Zipf's law: 0 is the most frequent.
class Zipf {
 public:
  Zipf(std::size_t numbers, double exponent) : sums_(numbers) {
    double sum = 0;
    for (std::size_t i = 0; i != numbers; ++i) {
      sums_[i] = sum += 1 / std::pow(static_cast<double>(i + 1), exponent);
    }
  }

  template <class Random>
  [[nodiscard]] std::uint32_t operator()(Random& random) const {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    const auto found = std::upper_bound(sums_.begin(), sums_.end() - 1, at);
    return static_cast<std::uint32_t>(found - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

/// 0 to `count` - 1 in an order of no meaning.
inline std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0U);
  std::mt19937_64 random(seed);
  std::shuffle(all.begin(), all.end(), random);
  return all;
}

/// Requests for keys, which are numbered from 0.
struct Trace {
  std::string name;
  std::vector<std::uint32_t> keys;
  std::size_t distinct = 0;

  Trace(std::string called, const std::vector<std::uint32_t>& ids) : name(std::move(called)) {
    std::unordered_map<std::uint32_t, std::uint32_t> numbers;
    keys.reserve(ids.size());
    for (const std::uint32_t id : ids) {
      keys.push_back(numbers.emplace(id, static_cast<std::uint32_t>(numbers.size())).first->second);
    }
    distinct = numbers.size();
  }
};

/// What nobody has to download. Each has 1,000,000 requests.
inline std::vector<Trace> generated_traces() {
  constexpr std::size_t requests = 1'000'000;
  constexpr std::uint32_t range = 100'000;
  const Zipf zipf(range, 0.99);
  std::vector<Trace> traces;
  const auto make = [&](const char* name, auto key_at) {
    std::mt19937_64 random(1);
    std::vector<std::uint32_t> keys(requests);
    for (std::size_t i = 0; i != requests; ++i) keys[i] = key_at(i, random);
    traces.emplace_back(name, keys);
  };
  const auto order = shuffled(range, 1);
  make("zipf", [&](std::size_t, auto& random) { return order[zipf(random)]; });
  make("scan", [&](std::size_t i, auto& random) {
    const bool scans = i % 50'000 >= 40'000;
    return scans ? static_cast<std::uint32_t>(range + (i / 50'000 * 10'000 + i % 10'000) % range)
                 : order[zipf(random)];
  });
  make("loop", [](std::size_t i, auto&) { return static_cast<std::uint32_t>(i % 20'000); });
  // The popular keys are others from one moment to the next ...
  std::vector<std::uint32_t> popular;
  make("shift", [&](std::size_t i, auto& random) {
    if (i % 100'000 == 0) popular = shuffled(range, i);
    return popular[zipf(random)];
  });
  // ... or bit by bit.
  make("drift",
       [&](std::size_t i, auto& random) { return order[(zipf(random) + i / 20) % range]; });
  return traces;
}

/// The files NAME.trace.xz of a directory: numbers of 32 bits, the highest byte first. None where
/// the directory or xz is not there.
inline std::vector<Trace> stored_traces(const std::string& directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(".trace.xz")) paths.push_back(file.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Trace> traces;
  for (const std::filesystem::path& path : paths) {
    if (path.string().find('\'') != std::string::npos) continue;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
        ::popen(("xz -dc '" + path.string() + "'").c_str(), "r"), ::pclose);
    std::vector<std::uint32_t> ids;
    unsigned char bytes[4];
    while (pipe && std::fread(bytes, 1, 4, pipe.get()) == 4) {
      ids.push_back(std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                    std::uint32_t{bytes[2]} << 8U | bytes[3]);
    }
    const std::string name = path.filename().string();
    if (!ids.empty()) traces.emplace_back(name.substr(0, name.find('.')), ids);
  }
  return traces;
}

}  // namespace varve_bench
