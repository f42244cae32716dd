// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>

namespace varve_test {

/// Lets the power go at the operation of that number while `act(disk)` goes on from what a crash
/// has left, and answers the disk that this leaves in turn. Counts in `met` where it did go.
template <class Act>
[[nodiscard]] varve::testing::SimulatedFileSystem crash_within(
    const varve::testing::SimulatedFileSystem& found, std::uint64_t operation,
    const varve::testing::CrashShape& shape, std::uint64_t& met, Act&& act) {
  varve::testing::SimulatedFileSystem disk = found.after_kill();
  disk.crash_at(operation);
  try {
    act(disk);
  } catch (const varve::testing::SimulatedCrash&) {
    ++met;
  } catch (const varve::Error& error) {
    // The log met the crash while it made an image, and refuses what comes next.
    CHECK(error.kind() == varve::ErrorKind::poisoned);
    ++met;
  }
  return disk.after_crash(shape);
}

}  // namespace varve_test
