// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/lane.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

using varve::testing::SimulatedFileSystem;
using varve_test::crash_lane;
using varve_test::part_of_lane;

namespace {

std::uint64_t recycled = 0;

/// Counts the segments whose files were segments before.
void count_recycled(SimulatedFileSystem disk) {
  if (!disk.exists("db/wal")) return;
  for (const std::uint64_t number : varve::detail::segment_numbers(disk.list("db/wal"))) {
    const auto file =
        disk.open("db/wal/" + varve::detail::segment_name(number), varve::OpenMode::read);
    std::string head(varve::detail::segment_head_bytes, '\0');
    head.resize(file.read_at(0, head));
    const auto decoded = varve::detail::decode_segment_head(head);
    if (decoded && decoded->recycled) ++recycled;
  }
}

/// Segments so small that a short script goes through many.
struct OpenSmall {
  std::uint64_t segment_bytes = 200;
  std::uint64_t checkpoint_bytes = 200;
  bool archive = false;
  std::uint64_t spare_segments = 4;

  auto operator()(const SimulatedFileSystem& disk) const {
    count_recycled(disk);
    return varve::open<varve::Wal<varve::MemoryAdapter, SimulatedFileSystem>>(
        "db",
        varve::WalOptions{.checkpoint_bytes = checkpoint_bytes,
                          .segment_bytes = segment_bytes,
                          .spare_segments = spare_segments,
                          .archive_directory = archive ? "archive" : ""},
        disk);
  }
};

void run(std::uint64_t states) {
  recycled = 0;
  crash_lane("Wal<MemoryAdapter>, small segments used again", OpenSmall{},
             part_of_lane(states / 2));
  std::printf("figures: %llu files of segments used again were met after crashes\n",
              static_cast<unsigned long long>(recycled));
  CHECK(recycled > part_of_lane(states) / 10);
  crash_lane("Wal<MemoryAdapter>, archive", OpenSmall{.archive = true}, part_of_lane(states / 2));
}

}  // namespace

TEST_CASE("Wal of many segments: no crash loses, tears or raises a write") {
  run(600'000);
}

TEST_CASE("Wal of many segments: no crash loses, tears or raises a write, at length", "[.long]") {
  run(12'000'000);
}
