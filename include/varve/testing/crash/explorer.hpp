// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/testing/crash/oracle.hpp>
#include <varve/testing/crash_options.hpp>
#include <varve/testing/crash_report.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// Recovers disks as crashes leave them and judges what it finds.
template <class Open>
class CrashExplorer {
 public:
  using Store = std::invoke_result_t<Open&, const SimulatedFileSystem&>;

  CrashExplorer(Open& open, const CrashOptions& options) : open_(open), options_(options) {}

  [[nodiscard]] CrashReport& report() noexcept { return report_; }
  [[nodiscard]] bool stopped() const noexcept {
    return (options_.stop_at_first && report_.failure) ||
           (options_.most_states != 0 && report_.states >= options_.most_states);
  }

  [[nodiscard]] std::unique_ptr<Store> open(const SimulatedFileSystem& disk) {
    return std::unique_ptr<Store>(new Store(open_(disk)));
  }

  /// The power goes, in `variants` ways, in the middle of what `disk` does now. `sound`: nothing
  /// has failed, so that no crash of a disk that is all synced can have cut a write short.
  void crash(const SimulatedFileSystem& disk, const CrashOracle& oracle, std::uint64_t seed,
             std::size_t variants, BytesView where, bool sound) {
    if (stopped()) return;
    ++report_.places;
    const bool clean = disk.clean();
    for (std::size_t i = 0; i < (clean ? 1 : variants) && !stopped(); ++i) {
      const std::uint64_t drawn = mix(seed, i);
      place_.push_back(std::string(where) + ": the power goes; shape " + std::to_string(i));
      const SimulatedFileSystem left = disk.after_crash(crash_shape(i, drawn));
      if (first_time(left, oracle, options_.depth))
        judge(left, oracle, drawn, options_.depth, sound && clean);
      place_.pop_back();
    }
    if (clean || stopped()) return;
    place_.push_back(std::string(where) + ": the program dies");
    judge(disk.after_kill(), oracle, mix(seed, variants), 1);
    place_.pop_back();
  }

  void wrong(CrashViolation violation, std::string sentence) {
    ++report_.violations[static_cast<std::size_t>(violation)];
    if (report_.failure) return;
    std::string place;
    for (const std::string& line : place_) place.append("# ").append(line).append("\n");
    report_.failure = CrashFailure{violation, std::move(sentence), std::move(place), {}, {}};
  }

 private:
  [[nodiscard]] bool first_time(const SimulatedFileSystem& disk, const CrashOracle& oracle,
                                std::size_t depth) {
    const std::uint64_t hash = disk.hash();
    if (images_.insert(hash).second) ++report_.distinct;
    if (judged_.insert(mix(mix(hash, oracle.expected()), depth)).second) return true;
    ++report_.repeated;
    return false;
  }

  /// Half of the time the names are there and no bytes: what a recovery forgot to sync is gone.
  [[nodiscard]] static CrashShape harsh_shape(std::uint64_t seed) noexcept {
    return crash_shape(seed % 2 == 0 ? 4 : (seed >> 1U) % 20, seed);
  }

  /// Recovers the disk, with the power going within that where `depth` is more than 1, and reads
  /// it. What was read must be there after two more crashes, and writes go on from it.
  void judge(const SimulatedFileSystem& disk, const CrashOracle& oracle, std::uint64_t seed,
             std::size_t depth, bool whole = false) {
    if (depth > 1) watch_recovery(disk, oracle, seed, depth);
    const std::unique_ptr<Store> store = recover(disk);
    disk_unwatch(disk);
    if (!store) return;
    if constexpr (requires { static_cast<bool>(store->recovery().torn_tail); }) {
      if (whole && store->recovery().torn_tail) {
        wrong(CrashViolation::misreported, "a torn write is reported, and none was written");
      }
    }
    std::optional<CrashState> found = read(*store);
    if (!found) return;
    if (auto verdict = oracle.judge(*found)) {
      return wrong(verdict->violation, std::move(verdict->sentence));
    }
    const SimulatedFileSystem again = disk.after_crash(harsh_shape(mix(seed, 77)));
    place_.push_back("it is recovered and read, and the power goes again");
    go_on(again, CrashOracle(std::move(*found)), seed);
    place_.pop_back();
  }

  void watch_recovery(const SimulatedFileSystem& disk, const CrashOracle& oracle,
                      std::uint64_t seed, std::size_t depth) {
    auto watched = disk;
    watched.watch([this, &disk, &oracle, seed, depth,
                   at = std::uint64_t{0}](DiskOperation operation) mutable {
      ++at;
      ++report_.places;
      ++report_.inner;
      for (std::size_t i = 0; i < options_.inner_variants && !stopped(); ++i) {
        const std::uint64_t drawn = mix(mix(seed, at), i);
        const SimulatedFileSystem left = disk.after_crash(crash_shape(drawn % 20, drawn));
        if (!first_time(left, oracle, depth - 1)) continue;
        place_.push_back("in operation " + std::to_string(at) + " of the recovery, " +
                         std::string(to_string(operation)) + ": the power goes again");
        judge(left, oracle, drawn, depth - 1);
        place_.pop_back();
      }
    });
  }

  static void disk_unwatch(SimulatedFileSystem disk) { disk.watch({}); }

  /// The second recovery finds what the first one did; then a write, and a third.
  void go_on(const SimulatedFileSystem& disk, CrashOracle settled, std::uint64_t seed) {
    const std::unique_ptr<Store> store = recover(disk);
    if (!store) return;
    const std::optional<CrashState> found = read(*store);
    if (!found) return;
    if (auto verdict = settled.judge(*found)) {
      return unstable(std::move(*verdict), settled.newest(), *found);
    }
    std::optional<CrashOracle> written = write_probe(*store, settled, *found);
    if (!written) return;
    place_.push_back("a durable write, and the power goes once more");
    const SimulatedFileSystem last = disk.after_crash(harsh_shape(mix(seed, 5)));
    const std::unique_ptr<Store> reopened = recover(last);
    if (const auto kept = reopened ? read(*reopened) : std::nullopt) {
      if (auto verdict = written->judge(*kept)) {
        unstable(std::move(*verdict), written->newest(), *kept);
      }
    }
    place_.pop_back();
  }

  /// An answer has changed: less is there, or more.
  void unstable(Verdict verdict, const CrashState& before, const CrashState& after) {
    if (verdict.violation != CrashViolation::reused) {
      verdict.violation = CrashViolation::resurrected;
      for (const auto& [name, tree] : before.trees) {
        const auto at = after.trees.find(name);
        if (at == after.trees.end()) verdict.violation = CrashViolation::lost;
        if (at == after.trees.end()) continue;
        for (const auto& [key, value] : tree.records) {
          if (!at->second.records.contains(key)) verdict.violation = CrashViolation::lost;
        }
      }
    }
    wrong(verdict.violation, "what was read is not so after another crash: " + verdict.sentence);
  }

  [[nodiscard]] std::optional<CrashOracle> write_probe(Store& store, const CrashOracle& settled,
                                                       const CrashState& found) {
    const std::string name =
        found.trees.empty() ? CrashState::tree_name(0) : found.trees.begin()->first;
    try {
      const Tree tree = store.open_tree(name);
      store.write(WriteBatch().put(tree, options_.probe_key, options_.probe_value),
                  Durability::synced);
    } catch (const std::exception& error) {
      wrong(CrashViolation::refused,
            "a recovered store refuses a write: " + std::string(error.what()));
      return std::nullopt;
    }
    CrashState state = settled.newest();
    state.trees[name].records[options_.probe_key] = options_.probe_value;
    if constexpr (requires { static_cast<std::uint64_t>(store.last_sequence()); }) {
      const std::uint64_t now = store.last_sequence();
      if (now <= found.sequence) {
        wrong(CrashViolation::reused,
              "a write after a recovery got the sequence " + std::to_string(now) + " where " +
                  std::to_string(found.sequence) + " was given to what was recovered");
      }
      state.sequence = now;
    }
    return CrashOracle(std::move(state));
  }

  [[nodiscard]] std::unique_ptr<Store> recover(const SimulatedFileSystem& disk) {
    ++report_.states;
    try {
      return open(disk);
    } catch (const std::exception& error) {
      wrong(CrashViolation::refused, "the store does not open: " + std::string(error.what()));
      return nullptr;
    }
  }

  [[nodiscard]] std::optional<CrashState> read(const Store& store) {
    try {
      return read_state(store);
    } catch (const std::exception& error) {
      wrong(CrashViolation::refused, "the store cannot be read: " + std::string(error.what()));
      return std::nullopt;
    }
  }

  Open& open_;
  const CrashOptions& options_;
  CrashReport report_;
  std::vector<std::string> place_;
  std::unordered_set<std::uint64_t> images_;
  std::unordered_set<std::uint64_t> judged_;
};

}  // namespace varve::testing::detail
