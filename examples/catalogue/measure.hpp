// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "loader.hpp"
#include "proof.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <varve/layers/cached.hpp>
#include <varve/layers/metered.hpp>
#include <varve/metrics/operation_metrics.hpp>
#include <varve/open.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace catalogue {

/// One loaded store in figures.
struct Measured {
  std::string engine;
  double load_nanoseconds = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes_on_disk = 0;
  Proof proof;
  std::vector<varve::OperationMetrics> metrics;

  [[nodiscard]] const varve::OperationMetrics* find(varve::Operation operation,
                                                    std::string_view tree) const {
    for (const varve::OperationMetrics& one : metrics) {
      if (one.operation == operation && one.tree == tree) return &one;
    }
    return nullptr;
  }
};

/// Reads `reads` things at random, and what every fourth of them needs.
template <varve::KvEngine Store>
void read_at_random(const Catalogue<Store>& catalogue, std::span<const Item> items,
                    std::size_t reads) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::size_t> any(0, items.size() - 1);
  for (std::size_t i = 0; i < reads; ++i) {
    const Item& item = items[any(random)];
    if (!catalogue.store().get(catalogue.things(), item.name)) {
      throw Disproof("'" + item.name + "' was loaded and is not there");
    }
    if (i % 4 != 0) continue;
    std::size_t met = 0;
    for (const varve::Entry entry : catalogue.needs_of(item.name)) {
      met += entry.value == item.needs[met] ? 1U : 0U;
    }
    if (met != item.needs.size()) throw Disproof("what '" + item.name + "' needs is not all there");
  }
}

/// Loads the source into `Durable` with a cache and counters on top, without a break, reads at
/// random, and takes the figures.
template <class Durable>
[[nodiscard]] Measured measure(Terminal& terminal, const Source& source,
                               const std::string& directory, std::size_t reads) {
  using Stack = varve::Metered<varve::Cached<Durable>>;
  auto store = varve::open<Stack>(directory);
  Measured measured;
  measured.engine = varve::lowest_t<Stack>::name;
  const Catalogue<Stack> catalogue(store, source.words);

  const auto start = std::chrono::steady_clock::now();
  Progress progress(terminal, measured.engine, source.items.size());
  load(catalogue, source.items, [&](std::uint64_t items) { progress.at(items); });
  store.flush();
  progress.stop();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;

  read_at_random(catalogue, source.items, reads);
  measured.load_nanoseconds = taken.count();
  measured.bytes_on_disk = store.size_on_disk();
  measured.proof = prove(catalogue);
  measured.metrics = store.metrics();
  measured.records = measured.proof.things + measured.proof.needs + measured.proof.needed_by;
  return measured;
}

/// What a `Metered` layer has seen, operation by operation and tree by tree.
inline void print(Terminal& terminal, const std::vector<varve::OperationMetrics>& metrics) {
  const auto row = [](const auto& first, const auto& second, const auto&... numbers) {
    return "   " + left(first, 9) + left(second, 10) + (right(numbers, 11) + ...);
  };
  terminal.line(terminal.faint(row("", "tree", "calls", "records", "p50", "p95", "p99")));
  for (const varve::OperationMetrics& one : metrics) {
    const auto at = [&](double q) {
      return one.latency.count() == 0 ? "-" : duration(one.latency.quantile(q));
    };
    terminal.line(row(to_string(one.operation), one.tree, grouped(one.calls), grouped(one.items),
                      at(0.5), at(0.95), at(0.99)));
  }
}

/// The figures of several stores side by side.
inline void print(Terminal& terminal, const std::vector<Measured>& all, const Words& words) {
  const auto row = [&](const std::string& label, auto cell) {
    std::string text = "   " + left(label, 12);
    for (const Measured& one : all) text += right(cell(one), 24);
    terminal.line(text);
  };
  const auto latency = [](varve::Operation operation, std::string_view tree) {
    return [=](const Measured& one) {
      const varve::OperationMetrics* const found = one.find(operation, tree);
      if (found == nullptr) return std::string("-");
      return durations(std::array{found->latency.quantile(0.5), found->latency.quantile(0.95),
                                  found->latency.quantile(0.99)});
    };
  };
  row("", [](const Measured& one) { return one.engine; });
  row("load", [](const Measured& one) { return duration(one.load_nanoseconds); });
  row("records/s", [](const Measured& one) {
    return grouped(
        static_cast<std::uint64_t>(static_cast<double>(one.records) * 1e9 / one.load_nanoseconds));
  });
  row("on disk", [](const Measured& one) { return bytes(static_cast<double>(one.bytes_on_disk)); });
  row("get", latency(varve::Operation::get, words.things));
  row("prefix scan", latency(varve::Operation::scan, words.needs));
  row("batch", latency(varve::Operation::write, ""));
  row("records", [](const Measured& one) { return grouped(one.records); });
  row("digest", [](const Measured& one) { return hex(one.proof.digest); });
}

}  // namespace catalogue
