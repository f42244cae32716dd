// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/buffered.hpp>
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

using Store = varve::Wal<varve::Buffered<varve::MemoryAdapter>, SimulatedFileSystem>;

/// Segments and checkpoints so small that a short script goes through many.
struct OpenSmall {
  std::uint64_t segment_bytes = 400;
  std::uint64_t checkpoint_bytes = 300;

  Store operator()(const SimulatedFileSystem& disk) const {
    return varve::open<Store>(
        "db",
        varve::WalOptions{.checkpoint_bytes = checkpoint_bytes, .segment_bytes = segment_bytes},
        varve::BufferedOptions{.capacity_bytes = 256}, disk);
  }
};

void run(std::uint64_t states) {
  crash_lane("Wal<Buffered<MemoryAdapter>>, checkpoints", OpenSmall{}, part_of_lane(states / 2));
  crash_lane("Wal<Buffered<MemoryAdapter>>, long log", OpenSmall{.checkpoint_bytes = 1U << 20U},
             part_of_lane(states / 2));
}

}  // namespace

TEST_CASE("Wal over a write buffer: no crash loses, tears or raises a write") {
  run(100'000);
}

TEST_CASE("Wal over a write buffer: no crash loses, tears or raises a write, at length",
          "[.long]") {
  run(2'000'000);
}
