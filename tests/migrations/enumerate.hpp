// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/crash_within.hpp"
#include "migrations/dump.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

/// Crashes at every operation of a migration on a simulated disk, and again in what goes on.
namespace varve_test::enumerate {

using varve::testing::crash_shape;
using varve::testing::SimulatedFileSystem;

/// All that a store is, to the byte: its trees, those that are hidden too, and what its ledger says
/// but for times, numbers that were drawn, how often its head was written, and how often records
/// were looked at on a way back.
struct Whole {
  Dump trees{};
  std::string ledger{};

  friend bool operator==(const Whole&, const Whole&) = default;
};

template <varve::KvEngine Below>
[[nodiscard]] Whole whole_of(Below& below) {
  Whole whole{.trees = dump(below)};
  whole.trees.erase("varve.ledger");
  const varve::Ledger<Below> ledger(below);
  const auto add = [&](auto... numbers) {
    ((whole.ledger += std::to_string(numbers) + " "), ...);
    whole.ledger += "\n";
  };
  const auto head = ledger.head().value();
  add(static_cast<int>(head.state), head.write_version, head.floor_version, head.least_program,
      head.chain, ledger.run() ? 1 : 0, ledger.scrub() ? 1 : 0);
  for (const varve::LedgerStep& step : ledger.steps()) {
    add(step.from, step.to, step.identity, step.lossy, step.baseline, step.refused);
    if (step.to > step.from) add(step.records);
  }
  for (const auto& [name, tree] : ledger.trees()) {
    whole.ledger += name + " ";
    add(static_cast<int>(tree.state), tree.version);
  }
  return whole;
}

/// Does `act` on a copy of the disk and lets the power go at each of its operations, in one of
/// every `stride` shapes; then `judge` looks at what is left, once as it is and once after `act`
/// went on with it and the power went in that. Prints what was done.
template <class Act, class Judge>
void crash_everywhere(const SimulatedFileSystem& prepared, std::size_t stride, const char* name,
                      const Act& act, const Judge& judge) {
  constexpr std::size_t shapes = 13;
  std::uint64_t places = 0;
  std::vector<SimulatedFileSystem> left;
  SimulatedFileSystem disk = prepared.after_kill();
  disk.watch([&](varve::testing::DiskOperation) {
    ++places;
    for (std::size_t shape = places % stride; shape < shapes; shape += stride) {
      left.push_back(disk.after_crash(crash_shape(shape, places)));
    }
  });
  act(disk);
  disk.watch({});
  judge(disk);
  std::uint64_t states = 0;
  std::uint64_t second = 0;
  for (const SimulatedFileSystem& found : left) {
    const std::uint64_t seed = ++states;
    CAPTURE(name, states);
    try {
      judge(found.after_kill());
      const std::uint64_t before = second;
      const SimulatedFileSystem again =
          crash_within(found, 1 + seed % 61, crash_shape(seed % shapes, seed), second, act);
      if (second != before) judge(again);
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
    }
  }
  std::printf(
      "figures: Migrated<Cached<Wal<MemoryAdapter>>>, %s: %llu states after a crash at %llu "
      "operations, and %llu with a second crash in what went on: all came to the same store\n",
      name, static_cast<unsigned long long>(states), static_cast<unsigned long long>(places),
      static_cast<unsigned long long>(second));
  CHECK(places > 20);
  CHECK(second > states / 4);
}

}  // namespace varve_test::enumerate
