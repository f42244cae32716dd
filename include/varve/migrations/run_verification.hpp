// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger_records.hpp>
#include <varve/migrations/record_layouts.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/tree_digest.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace varve::detail {

template <KvEngine E>
void check_point_read(const E& engine, Tree tree, const std::string& name, const Entry& entry) {
  const auto value = engine.get(tree, entry.key);
  if (value && value->view() == entry.value) return;
  throw Error(ErrorKind::corruption,
              {.message = "after the run a scan and a get of the key " + readable(entry.key) +
                          " do not agree: the version stays as it was; check the disk, then "
                          "restore the store from its backup",
               .operation = "migrate",
               .tree = name,
               .layer = "migrated"});
}

/// That a program of the newest version can read what the run wrote, before the
/// store says that it has that version.
inline void check_decodes(const NewestLayout& layout, const Entry& entry) {
  try {
    const versions::Tagged record = versions::take_tag(entry.value);
    std::string bytes;
    layout.raise(static_cast<std::uint32_t>(record.version), record.bytes, bytes);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::corruption,
                {.message = "after the run a record cannot be read as one of the newest version: "
                            "that of key " +
                            readable(entry.key) + " (" + error.what() +
                            "). The version stays as it was; the codec writes what it does not "
                            "read: mend it, and restore the store from its backup",
                 .operation = "migrate",
                 .tree = std::string(layout.tree),
                 .layer = "migrated"});
  }
}

/// Reads a tree once more, in ranges that several threads share out among them.
template <KvEngine E>
class TreeReading {
 public:
  /// The ranges end before each of `borders`, which are in order.
  TreeReading(const E& engine, Tree tree, const std::string& name,
              std::optional<NewestLayout> layout, const RunOptions& options, RunMeter& meter,
              std::vector<std::string> borders)
      : engine_(engine),
        tree_(tree),
        name_(name),
        layout_(layout),
        meter_(meter),
        borders_(std::move(borders)),
        // The calling thread slows itself down, and nobody else.
        others_(options.records_per_second > 0 ? 0 : std::min(options.workers, borders_.size())),
        report_each_(std::max<std::size_t>(options.batch_records, 1)) {}

  /// What the tree holds. Throws what reading it or the report of the progress
  /// throws.
  [[nodiscard]] TreeDigest read() {
    std::vector<std::thread> others;
    try {
      while (others.size() != others_) others.emplace_back([this] { read_ranges(false); });
    } catch (const std::system_error&) {
      // Without a thread, or with fewer of them, it takes longer.
    }
    read_ranges(true);
    for (std::thread& other : others) other.join();
    if (failure_) std::rethrow_exception(failure_);
    // The others may have read all of it, or the last of it.
    if (found_.records > reported_) meter_.did(name_, found_.records - reported_, true);
    return found_;
  }

 private:
  static constexpr std::uint64_t sampled = 1024;

  void read_ranges(bool reports) noexcept {
    TreeDigest found;
    std::exception_ptr failure;
    try {
      for (std::size_t i = next_++; i <= borders_.size() && !failed_; i = next_++) {
        read_range(i, found, reports);
      }
    } catch (...) {
      failure = std::current_exception();
      failed_ = true;
    }
    const std::lock_guard lock(mutex_);
    found_.records += found.records;
    found_.sum += found.sum;
    if (failure && !failure_) failure_ = failure;
  }

  void read_range(std::size_t i, TreeDigest& found, bool reports) {
    const BytesView first = i == 0 ? BytesView() : BytesView(borders_[i - 1]);
    const KeyRange range =
        i == borders_.size() ? KeyRange::from(first) : KeyRange::between(first, borders_[i]);
    const std::uint64_t step = std::min<std::uint64_t>(sampled, report_each_);
    for (auto scan = engine_.scan(tree_, range); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      if (found.records % sampled == 0) {
        check_point_read(engine_, tree_, name_, entry);
        if (layout_) check_decodes(*layout_, entry);
      }
      found.add(entry.key, entry.value);
      if (found.records % step != 0) continue;
      read_ += step;
      if (reports) report();
      if (failed_) return;
    }
  }

  void report() {
    const std::uint64_t more = read_ - reported_;
    if (more < report_each_) return;
    reported_ += more;
    meter_.did(name_, more, true);
  }

  const E& engine_;
  Tree tree_;
  const std::string& name_;
  std::optional<NewestLayout> layout_;  ///< that its records must have
  RunMeter& meter_;
  std::vector<std::string> borders_;
  std::size_t others_;
  std::uint64_t report_each_;
  std::uint64_t reported_ = 0;  ///< of `read_`
  std::atomic<std::uint64_t> read_{0};
  std::atomic<std::size_t> next_{0};  ///< the range that is to be read next
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  TreeDigest found_;
  std::exception_ptr failure_;
};

/// Reads all that a run wrote once more, by scan, and a part of it by key and by
/// the newest codec, through the whole stack.
template <class Chain, KvEngine E>
void verify_run(RunBatches<E>& batches) {
  const E& engine = batches.engine();
  const auto layout_of = [&](const std::string& tree) -> std::optional<NewestLayout> {
    if (batches.goes_back()) return std::nullopt;
    for (const NewestLayout& layout : newest_layouts<Chain>()) {
      if (layout.tree == tree) return layout;
    }
    return std::nullopt;
  };
  for (const LedgerDigest& expected : batches.run().digests) {
    TreeDigest found;
    if (const auto tree = engine.find_tree(expected.tree)) {
      found = TreeReading<E>(engine, *tree, expected.tree, layout_of(expected.tree),
                             batches.options(), batches.meter(), batches.borders(expected.tree))
                  .read();
    }
    if (found == TreeDigest{.records = expected.records, .sum = expected.sum}) continue;
    throw Error(ErrorKind::corruption,
                {.message = "after the run the tree holds " + std::to_string(found.records) +
                            " records where " + std::to_string(expected.records) +
                            " were written, or others: the version stays as it was; check the "
                            "disk, then restore the store from its backup",
                 .operation = "migrate",
                 .tree = expected.tree,
                 .layer = "migrated"});
  }
}

}  // namespace varve::detail
