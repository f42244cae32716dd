// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/testing/model/random.hpp>
#include <varve/testing/show.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// What the writers of a kill loop write, and what a store holds after any number of their batches.
///
/// Batch `number` of a writer is the same wherever it is made from the same seed and epoch. It
/// touches two trees, so that a torn one shows, and keys of its writer only, so that the writers'
/// order among each other does not matter to what is there. An epoch is one life of a process: what
/// an earlier one sent in vain has other values, and shows if it ever rises again.
class KillWorkload {
 public:
  static constexpr std::array<BytesView, 2> tree_names{"kill.left", "kill.right"};
  using Trees = std::array<Tree, 2>;

  explicit KillWorkload(std::uint64_t seed) : seed_(seed) {}

  [[nodiscard]] WriteBatch batch(const Trees& trees, std::size_t writer, std::uint64_t number,
                                 std::uint64_t epoch) const {
    Random random(seed_ ^ (writer * 0x9e3779b97f4a7c15U) ^ (number << 20U) ^ epoch);
    WriteBatch batch;
    const std::string mark = std::to_string(number) + "." + std::to_string(epoch);
    batch.put(trees[0], number_key(writer), mark);
    const std::size_t count = 1 + random.below(6);
    for (std::size_t i = 0; i < count; ++i) {
      const Tree tree = trees[random.below(2)];
      const std::uint32_t slot = random.below(slots);
      if (random.one_in(30)) {
        batch.erase_range(tree, KeyRange::between(slot_key(writer, slot),
                                                  slot_key(writer, slot + 1 + random.below(8))));
      } else if (random.one_in(5)) {
        batch.erase(tree, slot_key(writer, slot));
      } else {
        const std::size_t size = random.one_in(20) ? 3000 + random.below(6000) : random.below(120);
        std::string value = mark + "." + std::to_string(i) + ".";
        value.append(size, static_cast<char>('a' + random.below(26)));
        batch.put(tree, slot_key(writer, slot), value);
      }
    }
    batch.put(trees[1], number_key(writer), mark);
    return batch;
  }

  /// The number of the last batch of `writer` that `reader` holds; 0 where there is none.
  template <KvReader R>
  [[nodiscard]] static std::uint64_t number_in(const R& reader, const Trees& trees,
                                               std::size_t writer) {
    const auto mark = reader.get(trees[0], number_key(writer));
    if (!mark) return 0;
    std::uint64_t number = 0;
    for (const char c : mark->view()) {
      if (c < '0' || c > '9') break;
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
  }

  /// Applies the batches of `writer` in (`from`, `to`] to what a store holds.
  void advance(std::size_t writer, std::uint64_t from, std::uint64_t to, std::uint64_t epoch) {
    const Trees sides{Tree::from_id(0), Tree::from_id(1)};
    for (std::uint64_t number = from + 1; number <= to; ++number) {
      for (const WriteOp op : batch(sides, writer, number, epoch)) apply(op);
    }
  }

  /// Where `reader` differs from what it must hold.
  template <KvReader R>
  [[nodiscard]] std::optional<std::string> difference(const R& reader, const Trees& trees) const {
    for (std::size_t side = 0; side < 2; ++side) {
      auto expected = contents_[side].begin();
      const std::string where = " in the tree '" + std::string(tree_names[side]) + "'";
      for (auto scan = reader.scan(trees[side], KeyRange::all()); scan.valid(); scan.next()) {
        const Entry entry = scan.entry();
        if (expected == contents_[side].end() || entry.key < expected->first) {
          return "the record " + show_short(entry.key) + where + " must not be there";
        }
        if (entry.key > expected->first) break;
        if (entry.value != expected->second) {
          return "the record " + show_short(entry.key) + where + " holds " +
                 show_short(entry.value) + " and must hold " + show_short(expected->second);
        }
        ++expected;
      }
      if (expected != contents_[side].end()) {
        return "the record " + show_short(expected->first) + where + " is not there";
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t slots = 40;

  [[nodiscard]] static std::string number_key(std::size_t writer) {
    return std::to_string(writer) + "/number";
  }

  [[nodiscard]] static std::string slot_key(std::size_t writer, std::uint32_t slot) {
    return std::to_string(writer) + "/" + std::to_string(100 + slot);
  }

  void apply(const WriteOp& op) {
    auto& contents = contents_[op.tree.id()];
    switch (op.kind) {
      case WriteOpKind::put: contents.insert_or_assign(std::string(op.key), op.value); break;
      case WriteOpKind::erase: contents.erase(std::string(op.key)); break;
      case WriteOpKind::erase_range:
        contents.erase(contents.lower_bound(std::string(op.key)),
                       contents.lower_bound(std::string(op.value)));
        break;
      case WriteOpKind::erase_from:
        contents.erase(contents.lower_bound(std::string(op.key)), contents.end());
        break;
    }
  }

  std::uint64_t seed_;
  std::array<std::map<std::string, std::string>, 2> contents_;
};

/// What the parent of a kill loop knows about the batches, from what its children told it.
class KillLedger {
 public:
  explicit KillLedger(std::size_t writers) : writers_(writers) {}

  [[nodiscard]] std::size_t writers() const noexcept { return writers_.size(); }
  [[nodiscard]] std::uint64_t found(std::size_t writer) const { return writers_[writer].found; }

  void send(std::size_t writer, std::uint64_t number) {
    writers_[writer].sent = number;
    writers_[writer].before[number] = writers_[writer].begun = acknowledged();
  }

  /// A flush begins. What is acknowledged by now is promised when it ends.
  void begin_flush(std::size_t writer) { writers_[writer].begun = acknowledged(); }
  void end_flush(std::size_t writer) { promise(writers_[writer].begun); }

  void acknowledge(std::size_t writer, std::uint64_t number, bool durable) {
    writers_[writer].acknowledged = number;
    if (!durable) return;
    writers_[writer].begun[writer] = number;
    promise(writers_[writer].begun);
  }

  /// What a child found is what there is; all else that was sent is gone for ever.
  void find(std::size_t writer, std::uint64_t number) {
    Writer& w = writers_[writer];
    w.found = w.sent = w.acknowledged = w.promised = number;
    w.before.clear();
  }

  /// What is wrong with a store that holds `numbers` batches of the writers.
  [[nodiscard]] std::optional<std::string> judge(const std::vector<std::uint64_t>& numbers) const {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      const Writer& writer = writers_[i];
      const std::string holds = "the store holds " + std::to_string(numbers[i]) +
                                " batches of writer " + std::to_string(i);
      if (numbers[i] < writer.promised) {
        return "lost: " + holds + " of which " + std::to_string(writer.promised) +
               " were promised to be there";
      }
      if (numbers[i] > writer.sent) {
        return "invented: " + holds + " which sent only " + std::to_string(writer.sent);
      }
      const auto before = writer.before.find(numbers[i]);
      if (before == writer.before.end()) continue;
      for (std::size_t j = 0; j < writers_.size(); ++j) {
        if (before->second[j] <= numbers[j]) continue;
        return "hole: " + holds + ", and batch " + std::to_string(before->second[j]) +
               " of writer " + std::to_string(j) +
               ", acknowledged before the last of them was sent, is not there";
      }
    }
    return std::nullopt;
  }

 private:
  using Numbers = std::vector<std::uint64_t>;

  struct Writer {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t promised = 0;  ///< that many must be there, whatever happens
    std::uint64_t found = 0;     ///< that many were there when the store was last opened
    Numbers begun{};             ///< what was acknowledged when the write or flush began
    std::map<std::uint64_t, Numbers> before{};  ///< the same, of each batch sent since
  };

  [[nodiscard]] Numbers acknowledged() const {
    Numbers numbers;
    for (const Writer& writer : writers_) numbers.push_back(writer.acknowledged);
    return numbers;
  }

  void promise(const Numbers& numbers) {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      writers_[i].promised = std::max(writers_[i].promised, numbers[i]);
    }
  }

  std::vector<Writer> writers_;
};

}  // namespace varve::testing::detail
