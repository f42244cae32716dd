// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/migrations/ledger_format.hpp>
#include <varve/migrations/ledger_records.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// The records of a schema, to be read: docs/formats/ledger.md. For tools, and on a store that
/// nobody is to change.
///
/// Errors: `corruption` for a record that cannot be read, `schema_newer` for one of a newer
/// toolkit.
template <KvReader R>
class LedgerReader {
 public:
  explicit LedgerReader(const R& reader)
      : reader_(&reader), tree_(reader.find_tree(detail::ledger_tree)) {}

  /// What the store says of itself; nothing where it was never stamped.
  [[nodiscard]] std::optional<LedgerHead> head() const {
    return record<LedgerHead>(detail::ledger_head_key);
  }

  [[nodiscard]] std::optional<LedgerRun> run() const {
    return record<LedgerRun>(detail::ledger_run_key);
  }

  /// The rewriting of what lazy steps have left, where it was begun and has not ended.
  [[nodiscard]] std::optional<LedgerScrub> scrub() const {
    return record<LedgerScrub>(detail::ledger_scrub_key);
  }

  /// The steps that the store went through, the first one first.
  [[nodiscard]] std::vector<LedgerStep> steps() const {
    std::vector<LedgerStep> steps;
    each<LedgerStep>(detail::ledger_step_prefix,
                     [&](BytesView, LedgerStep step) { steps.push_back(std::move(step)); });
    return steps;
  }

  /// What is recorded of a tree; nothing where the schema has not met it.
  [[nodiscard]] std::optional<LedgerTree> tree(BytesView name) const {
    return record<LedgerTree>(std::string(detail::ledger_tree_prefix).append(name));
  }

  [[nodiscard]] std::vector<std::pair<std::string, LedgerTree>> trees() const {
    std::vector<std::pair<std::string, LedgerTree>> trees;
    each<LedgerTree>(detail::ledger_tree_prefix, [&](BytesView key, LedgerTree tree) {
      trees.emplace_back(std::string(key.substr(detail::ledger_tree_prefix.size())),
                         std::move(tree));
    });
    return trees;
  }

  /// Since when the store has stood to its schema as it did at the height, and how; nothing where
  /// that has never changed.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, LedgerHeight>> at_height(
      std::uint64_t height) const {
    return height_in(KeyRange::between(detail::ledger_height_prefix, end_of_heights(height)),
                     Order::descending);
  }

  /// The next such change above the height.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, LedgerHeight>> above_height(
      std::uint64_t height) const {
    const std::string first = end_of_heights(height);
    const std::string last = end_of_heights(std::numeric_limits<std::uint64_t>::max());
    return height_in(KeyRange::between(first, last), Order::ascending);
  }

  [[nodiscard]] std::vector<LedgerRefusal> refusals() const {
    std::vector<LedgerRefusal> refusals;
    each<LedgerRefusal>(detail::ledger_refusal_prefix, [&](BytesView, LedgerRefusal refusal) {
      refusals.push_back(std::move(refusal));
    });
    return refusals;
  }

  /// One more than the highest number of a refusal.
  [[nodiscard]] std::uint64_t refusals_end() const { return end_of(detail::ledger_refusal_prefix); }

  /// One that there is.
  [[nodiscard]] LedgerRefusal refusal(std::uint64_t number) const {
    const std::string key = detail::numbered_key(detail::ledger_refusal_prefix, number);
    auto found = record<LedgerRefusal>(key);
    if (!found) detail::damaged_ledger(key, "is missing");
    return *std::move(found);
  }

  /// One more than the highest epoch of a step.
  [[nodiscard]] std::uint64_t steps_end() const {
    return (end_of(detail::ledger_step_prefix) >> 8U) + 1;
  }

 protected:
  [[nodiscard]] const std::optional<Tree>& own_tree() const noexcept { return tree_; }
  void set_own_tree(Tree tree) noexcept { tree_ = tree; }

  /// The key behind those of this height and below.
  [[nodiscard]] static std::string end_of_heights(std::uint64_t height) {
    return detail::numbered_key(detail::ledger_height_prefix, height) + '\0';
  }

 private:
  template <class Record>
  [[nodiscard]] std::optional<Record> record(BytesView key) const {
    if (!tree_) return std::nullopt;
    const auto value = reader_->get(*tree_, key);
    if (!value) return std::nullopt;
    return detail::ledger_record<Record>(key, value->view());
  }

  template <class Record, class Use>
  void each(BytesView prefix, Use&& use) const {
    if (!tree_) return;
    for (auto scan = reader_->scan(*tree_, KeyRange::prefix(prefix)); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      use(entry.key, detail::ledger_record<Record>(entry.key, entry.value));
    }
  }

  [[nodiscard]] std::optional<std::pair<std::uint64_t, LedgerHeight>> height_in(KeyRange range,
                                                                                Order order) const {
    if (!tree_) return std::nullopt;
    const auto scan = reader_->scan(*tree_, range, order);
    if (!scan.valid()) return std::nullopt;
    const Entry entry = scan.entry();
    return std::pair(detail::number_of_key(detail::ledger_height_prefix, entry.key),
                     detail::ledger_record<LedgerHeight>(entry.key, entry.value));
  }

  /// One more than the highest number behind the prefix; 0 where there is none.
  [[nodiscard]] std::uint64_t end_of(BytesView prefix) const {
    if (!tree_) return 0;
    const auto scan = reader_->scan(*tree_, KeyRange::prefix(prefix), Order::descending);
    return scan.valid() ? detail::number_of_key(prefix, scan.entry().key) + 1 : 0;
  }

  const R* reader_;
  std::optional<Tree> tree_;
};

}  // namespace varve
