// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "proof.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <varve/io/crc32c.hpp>
#include <varve/layers/metered.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace catalogue {

/// What a resolver of dependencies asks for: it takes things at random and looks up each thing that
/// they need. A few are needed by nearly all, many by none, and some are not there.
[[nodiscard]] inline std::vector<std::string> what_a_resolver_asks(std::span<const Item> items,
                                                                   std::size_t requests) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::size_t> any(0, items.size() - 1);
  std::vector<std::string> names;
  names.reserve(requests);
  while (names.size() < requests) {
    const Item& item = items[any(random)];
    names.push_back(item.name);
    for (const std::string& group : item.needs) {
      if (names.size() < requests) names.emplace_back(bare_name(group));
    }
  }
  return names;
}

/// How a stack answered a resolver.
struct Resolved {
  std::uint64_t found = 0;
  std::uint64_t absent = 0;
  std::uint32_t digest = 0;  ///< over all answers
  double nanoseconds = 0;    ///< of all requests together
  varve::LatencyHistogram latency;
};

template <varve::KvEngine Store>
[[nodiscard]] Resolved resolve(const Catalogue<Store>& catalogue,
                               std::span<const std::string> names) {
  Resolved resolved;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& name : names) {
    const auto value = catalogue.store().get(catalogue.things(), name);
    ++(value ? resolved.found : resolved.absent);
    resolved.digest = varve::crc32c(value ? value->view() : "absent", resolved.digest);
  }
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  resolved.nanoseconds = taken.count();
  for (const varve::OperationMetrics& one : catalogue.store().metrics()) {
    if (one.operation == varve::Operation::get && one.calls >= names.size()) {
      resolved.latency = one.latency;
    }
  }
  return resolved;
}

/// Two stacks side by side.
inline void print(Terminal& terminal, const Resolved& with, const Resolved& without) {
  const auto row = [&](const std::string& label, auto cell) {
    terminal.line("   " + left(label, 12) + right(cell(with), 24) + right(cell(without), 24));
  };
  terminal.line("   " + left("", 12) + right("with the cache", 24) + right("without it", 24));
  row("gets/s", [](const Resolved& one) {
    return grouped(static_cast<std::uint64_t>(static_cast<double>(one.found + one.absent) * 1e9 /
                                              one.nanoseconds));
  });
  row("p50/p95/p99", [](const Resolved& one) {
    return durations(std::array{one.latency.quantile(0.5), one.latency.quantile(0.95),
                                one.latency.quantile(0.99)});
  });
  row("found", [](const Resolved& one) { return grouped(one.found); });
  row("absent", [](const Resolved& one) { return grouped(one.absent); });
}

}  // namespace catalogue
