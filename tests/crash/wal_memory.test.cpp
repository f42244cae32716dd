// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/lane.hpp"

#include <cstdint>

using varve::testing::SimulatedFileSystem;
using varve_test::crash_lane;
using varve_test::part_of_lane;

namespace {

/// Segments and checkpoints so small that a short script goes through many.
struct OpenSmall {
  std::uint64_t segment_bytes = 16U << 10U;
  std::uint64_t checkpoint_bytes = 200;
  varve::WalSync sync = varve::WalSync::always;

  auto operator()(const SimulatedFileSystem& disk) const {
    return varve::open<varve::Wal<varve::MemoryAdapter, SimulatedFileSystem>>(
        "db",
        varve::WalOptions{
            .sync = sync, .checkpoint_bytes = checkpoint_bytes, .segment_bytes = segment_bytes},
        disk);
  }
};

/// No checkpoint comes of itself.
constexpr OpenSmall long_log{.checkpoint_bytes = 1U << 20U};

void run(std::uint64_t states) {
  crash_lane("Wal<MemoryAdapter>, checkpoints", OpenSmall{}, part_of_lane(states / 2));
  crash_lane("Wal<MemoryAdapter>, long log", long_log, part_of_lane(states / 2));
}

}  // namespace

TEST_CASE("Wal over memory: no crash loses, tears or raises a write") {
  run(600'000);
}

TEST_CASE("Wal over memory: no crash loses, tears or raises a write, at length", "[.long]") {
  run(12'000'000);
}
