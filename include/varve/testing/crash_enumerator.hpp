// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/crash/crash_script.hpp>
#include <varve/testing/crash/explorer.hpp>
#include <varve/testing/crash/run.hpp>
#include <varve/testing/crash_options.hpp>
#include <varve/testing/crash_report.hpp>
#include <varve/testing/model/script_text.hpp>
#include <varve/testing/model/simplify.hpp>
#include <varve/testing/script.hpp>
#include <varve/testing/shrink.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace varve::testing {

/// Lets the power go at every operation of a store on a simulated disk, in many ways, and judges
/// what the store recovers. docs/guide/crash-testing.md.
///
/// `Open` is called with a `SimulatedFileSystem` and answers the store on it: an engine or stack,
/// or anything with `write`, `open_tree`, `drop_tree`, `trees`, `scan` and `flush`. A
/// `last_sequence()` is checked too, where there is one.
///
/// At each operation that changes the disk the run stands still: the disks that a crash there can
/// leave are recovered and read one by one. A store must hold a state that it was in, none before
/// the last durable write; hold the same after two more crashes; and go on from there. The power
/// goes inside recoveries too, and after every operation that can fail.
///
/// The store must do the same for the same operations: no threads of its own. Belongs to one
/// thread.
template <class Open>
class CrashEnumerator {
 public:
  explicit CrashEnumerator(Open open, CrashOptions options = {})
      : open_(std::move(open)), options_(std::move(options)) {}

  [[nodiscard]] const CrashOptions& options() const noexcept { return options_; }

  /// Runs the random script of the seed. What fails is made as short as it can be.
  [[nodiscard]] CrashReport run() { return run(crash_script(options_.seed, options_.operations)); }

  /// The same with a script.
  [[nodiscard]] CrashReport run(const Script& script) {
    CrashReport report = enumerate(script, options_);
    if (report.failure) minimise(script, report);
    return report;
  }

  /// Runs the script of a `CrashFailure` once more. Throws `invalid_argument` where it is none.
  [[nodiscard]] CrashReport replay(BytesView script) {
    return enumerate(parse_script(script), options_);
  }

 private:
  [[nodiscard]] CrashReport enumerate(const Script& script, const CrashOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    detail::CrashExplorer<Open> explorer(open_, options);
    std::vector<DiskOperation> done;
    {
      detail::CrashRun<Open> run(explorer, options, options.variants);
      run.run(script);
      done = run.done();
    }
    for (std::size_t i = 0; i < done.size() && options.fault_variants > 0; ++i) {
      if (explorer.stopped()) break;
      ++explorer.report().faults;
      detail::CrashRun<Open> run(explorer, options, options.fault_variants);
      run.run(script, DiskFault{.at = i + 1, .error = error_of(done[i])});
    }
    CrashReport report = std::move(explorer.report());
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (report.failure) {
      report.failure->script = to_string(script);
      report.failure->seed = options.seed;
    }
    return report;
  }

  /// What a disk fails with in earnest.
  [[nodiscard]] static ErrorKind error_of(DiskOperation operation) noexcept {
    switch (operation) {
      case DiskOperation::create:
      case DiskOperation::create_directory:
      case DiskOperation::truncate: return ErrorKind::no_space;
      default: return ErrorKind::io;
    }
  }

  void minimise(const Script& script, CrashReport& report) {
    CrashOptions options = options_;
    options.stop_at_first = true;
    std::size_t tries = options.tries;
    const CrashViolation violation = report.failure->violation;
    const auto fails = [&](const Script& candidate) {
      if (tries == 0) return false;
      --tries;
      auto found = enumerate(candidate, options).failure;
      if (!found || found->violation != violation) return false;
      report.failure = std::move(found);
      return true;
    };
    static_cast<void>(detail::simplify(shrink(script, fails), fails));
  }

  Open open_;
  CrashOptions options_;
};

}  // namespace varve::testing
