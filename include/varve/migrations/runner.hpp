// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/tree_digest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Takes a store through the steps of a chain, from the place on that the
/// ledger has.
///
/// A run is a row of passes, each over one tree, in an order that depends only
/// on the chain and on the version that the run began with. Rewriting a tree
/// waits until its keys change, it is dropped or the chain ends, so that each
/// record is decoded and encoded once. What is written and the place that is
/// reached are in one batch.
template <class Chain, KvEngine E>
class MigrationRunner {
 public:
  MigrationRunner(E& engine, Ledger<E>& ledger, const RunOptions& options, LedgerRun run)
      : engine_(engine),
        ledger_(ledger),
        options_(options),
        run_(std::move(run)),
        meter_(options, run_.milliseconds, run_.records, run_.total) {}

  /// Does what is not done yet of all passes, then verifies. Throws the errors
  /// of the engine and what the conversions and `options.progress` throw; what
  /// was done by then is kept.
  void run() {
    pass_ = 0;
    waiting_.clear();
    waiting_.insert(run_.untagged.begin(), run_.untagged.end());
    each_step([&]<class S>() {
      if (S::from >= run_.from) take_step<S>();
    });
    rewrite_waiting<Chain::latest>();
    if (run_.phase == RunPhase::rewrite) {
      run_.phase = RunPhase::verify;
      WriteBatch batch;
      write(batch, Durability::synced);
    }
    verify();
  }

  [[nodiscard]] const LedgerRun& state() const noexcept { return run_; }

 private:
  template <class Use>
  static void each_step(Use&& use) {
    [&]<class... S>(StepList<S...>) {
      (use.template operator()<S>(), ...);
    }(typename Chain::Steps{});
  }

  template <class S>
  void take_step() {
    [&]<class... A>(Actions<A...>) { (take<S, A>(), ...); }(typename ActionsOf<S>::type{});
  }

  template <class S, class A>
  void take() {
    if constexpr (A::kind == ActionKind::rewrite) {
      waiting_.insert(std::string(A::tree));
    } else if constexpr (A::kind == ActionKind::move) {
      // Of several moves from one tree the first takes all.
      if constexpr (is_first_move<S, A>()) {
        waiting_.erase(std::string(A::tree));
        if (begins_pass()) move_tree<S, A>();
      }
    } else if constexpr (A::kind == ActionKind::create) {
      if (begins_pass()) {
        static_cast<void>(engine_.open_tree(A::tree));
        finish_pass(A::tree, S::to);
      }
    } else if constexpr (A::kind == ActionKind::drop) {
      waiting_.erase(std::string(A::tree));
      if (begins_pass()) hold(A::tree, S::to);
    }
  }

  /// Counts a pass; false where it was done before.
  [[nodiscard]] bool begins_pass() noexcept { return pass_++ >= run_.pass; }

  template <class S, class A>
  static consteval bool is_first_move() {
    return []<class... All>(Actions<All...>) {
      bool first = true;
      bool seen = false;
      ((seen = seen || std::is_same_v<All, A>,
        first = first && (seen || All::kind != ActionKind::move || All::tree != A::tree)),
       ...);
      return first;
    }(typename ActionsOf<S>::type{});
  }

  /// Rewrites what waits as the layouts of `version`.
  template <std::uint32_t version>
  void rewrite_waiting() {
    each_step([&]<class S>() {
      [&]<class... A>(Actions<A...>) {
        (rewrite_if_waiting<A, version>(), ...);
      }(typename ActionsOf<S>::type{});
    });
  }

  template <class A, std::uint32_t version>
  void rewrite_if_waiting() {
    if constexpr (A::kind == ActionKind::rewrite) {
      // A tree without layouts has been moved or dropped, and does not wait.
      if constexpr (layouts_at_t<Chain, A::Source::text, version>::size != 0) {
        if (waiting_.erase(std::string(A::tree)) != 0 && begins_pass()) {
          rewrite_tree<typename A::Source, version>();
        }
      }
    }
  }

  template <class RecordTree, std::uint32_t version>
  void rewrite_tree() {
    using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
    constexpr std::size_t last = Layouts::size - 1;
    constexpr std::uint32_t tag = nth_t<last, Layouts>::since;
    const auto tree = engine_.find_tree(RecordTree::name);
    if (tree) {
      const bool tagged = is_tagged(RecordTree::name);
      LedgerDigest& left = digest_of(RecordTree::name, run_.cursor.empty());
      std::string bytes;
      each_record(*tree, RecordTree::name, [&](WriteBatch& batch, const Entry& entry) {
        BytesView body = entry.value;
        const std::uint32_t found = version_of(body, tagged);
        if (tagged && found >= tag) return add(left, entry.key, entry.value);
        bytes.assign(versions::tag_of<tag>().view());
        read_as<Layouts, last, void>(layout_at(Layouts{}, found), body, [&](const auto& record) {
          nth_t<last, Layouts>::RecordCodec::encode(record, bytes);
        });
        batch.put(*tree, entry.key, bytes);
        add(left, entry.key, bytes);
      });
    }
    finish_pass(RecordTree::name, version);
  }

  template <class S, class First>
  void move_tree() {
    const auto source = engine_.find_tree(First::tree);
    if (source) {
      const bool tagged = is_tagged(First::tree);
      open_targets<S, First>();
      each_record(*source, First::tree, [&](WriteBatch& batch, const Entry& entry) {
        BytesView body = entry.value;
        const std::uint32_t found = version_of(body, tagged);
        const auto key = Ordered::decode<typename First::Source::Key>(entry.key);
        WriteBatch moved;
        read_moving<S, First>(found, body, [&](const auto& record) {
          each_move<S, First>([&]<class A>() { move_record<A, S::to>(moved, key, record); });
        });
        count_moved<S, First>(moved);
        moved.erase(*source, entry.key);
        batch.append(moved);
      });
    }
    each_move<S, First>([&]<class A>() { record_live(A::target, S::to); });
    finish_pass(First::tree, S::to);
  }

  template <class S, class First, class Use>
  static void read_moving(std::uint32_t found, BytesView body, Use&& use) {
    using Layouts = layouts_at_t<Chain, First::Source::text, S::from>;
    if constexpr (Layouts::size == 0) {
      use(First::Source::RecordCodec::template decode<typename First::In>(body));
    } else {
      read_as<Layouts, Layouts::size - 1, void>(layout_at(Layouts{}, found), body, use);
    }
  }

  /// Takes the version off `body`. Records that have none are of the version
  /// that the run is from.
  [[nodiscard]] std::uint32_t version_of(BytesView& body, bool tagged) const {
    if (!tagged) return run_.from;
    const versions::Tagged record = versions::take_tag(body);
    body = record.bytes;
    return static_cast<std::uint32_t>(record.version);
  }

  /// The moves of step `S` from the tree that `First` reads.
  template <class S, class First, class Use>
  static void each_move(Use&& use) {
    [&]<class... A>(Actions<A...>) {
      const auto call = [&]<class One>() {
        if constexpr (One::kind == ActionKind::move) {
          if constexpr (One::tree == First::tree) use.template operator()<One>();
        }
      };
      (call.template operator()<A>(), ...);
    }(typename ActionsOf<S>::type{});
  }

  template <class S, class First>
  void open_targets() {
    static_cast<void>(digest_of(First::tree, true));
    each_move<S, First>([&]<class A>() {
      static_cast<void>(engine_.open_tree(A::target));
      static_cast<void>(digest_of(A::target, false));
    });
  }

  template <class A, std::uint32_t tag, class Key, class Record>
  void move_record(WriteBatch& batch, const Key& key, const Record& record) {
    const auto [to_key, to_record] = A::convert(key, record);
    std::string key_bytes;
    Ordered::encode(to_key, key_bytes);
    std::string bytes(versions::tag_of<tag>().view());
    A::Target::RecordCodec::encode(to_record, bytes);
    batch.put(*engine_.find_tree(A::target), key_bytes, bytes);
  }

  // One put of `moved` for each move, in their order. Counted when none of them
  // was refused.
  template <class S, class First>
  void count_moved(const WriteBatch& moved) {
    auto op = moved.begin();
    each_move<S, First>([&]<class A>() {
      add(digest_of(A::target, false), (*op).key, (*op).value);
      ++op;
    });
  }

  /// Hands every record behind the cursor to `change`, which puts what becomes
  /// of it into the batch, and writes the batch with the place that it leads
  /// to.
  template <class Change>
  void each_record(Tree tree, BytesView name, Change&& change) {
    bool more = true;
    while (more) {
      WriteBatch batch;
      std::uint64_t taken = 0;
      more = false;
      const std::string first = run_.cursor.empty() ? std::string() : run_.cursor + '\0';
      // A scan for each batch: one over the whole tree would pin the state of
      // its beginning.
      for (auto scan = engine_.scan(tree, KeyRange::from(first)); scan.valid(); scan.next()) {
        if (taken == options_.batch_records || batch.bytes().size() >= options_.batch_bytes) {
          more = true;
          break;
        }
        const Entry entry = scan.entry();
        convert_or_refuse(batch, tree, entry, name, change);
        run_.cursor.assign(entry.key);
        run_.bytes += entry.key.size() + entry.value.size();
        ++taken;
      }
      if (taken == 0) return;
      ++run_.batches;
      run_.records += taken;
      write(batch, Durability::buffered);
      meter_.did(name, taken, false);
    }
  }

  // What is thrown here is thrown by a codec or a conversion: the engine is not
  // called.
  template <class Change>
  void convert_or_refuse(WriteBatch& batch, Tree tree, const Entry& entry, BytesView name,
                         Change& change) {
    std::string reason;
    try {
      return change(batch, entry);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (run_.refused == options_.refused_at_most) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "a conversion refuses the record of key " + readable(entry.key) +
                              " (" + reason +
                              "); it is untouched, and the run goes on from "
                              "there when the store "
                              "is opened again. Mend the step, or let records "
                              "be put aside with "
                              "refused_at_most",
                   .operation = "migrate",
                   .tree = std::string(name),
                   .layer = "migrated"});
    }
    ledger_.put(batch, run_.refused++,
                LedgerRefusal{.tree = std::string(name),
                              .key = std::string(entry.key),
                              .value = std::string(entry.value),
                              .reason = reason});
    batch.erase(tree, entry.key);
  }

  static void add(LedgerDigest& to, BytesView key, BytesView value) noexcept {
    TreeDigest digest{.records = to.records, .sum = to.sum};
    digest.add(key, value);
    to.records = digest.records;
    to.sum = digest.sum;
  }

  /// What the run has counted of a tree, begun `anew` or with what the tree
  /// holds.
  LedgerDigest& digest_of(BytesView name, bool anew) {
    const auto known = std::find_if(run_.digests.begin(), run_.digests.end(),
                                    [&](const LedgerDigest& one) { return one.tree == name; });
    if (known != run_.digests.end()) {
      if (anew) *known = {.tree = std::string(name)};
      return *known;
    }
    TreeDigest found;
    if (const auto tree = engine_.find_tree(name); tree && !anew) {
      found = digest_tree(engine_, *tree);
    }
    return run_.digests.emplace_back(
        LedgerDigest{.tree = std::string(name), .records = found.records, .sum = found.sum});
  }

  [[nodiscard]] bool is_tagged(BytesView tree) const {
    const auto known = ledger_.tree(tree);
    return known && known->state == TreeState::live;
  }

  void record_live(BytesView tree, std::uint32_t version) {
    ledger_.put(pending_, tree, LedgerTree{.version = version, .since = seconds_since_1970()});
  }

  void hold(BytesView tree, std::uint32_t version) {
    ledger_.put(
        pending_, tree,
        LedgerTree{.state = TreeState::held, .version = version, .since = seconds_since_1970()});
    std::erase_if(run_.digests, [&](const LedgerDigest& one) { return one.tree == tree; });
    next_pass();
  }

  void finish_pass(BytesView tree, std::uint32_t version) {
    record_live(tree, version);
    next_pass();
  }

  void next_pass() {
    ++run_.pass;
    run_.cursor.clear();
    write(pending_, Durability::synced);
    pending_.clear();
  }

  void write(WriteBatch& batch, Durability durability) {
    run_.milliseconds = meter_.milliseconds();
    ledger_.put(batch, run_);
    engine_.write(batch, durability);
  }

  /// Reads all that the run wrote once more, by scan and by key, through the
  /// whole stack.
  void verify() {
    constexpr std::uint64_t sampled = 1024;
    for (const LedgerDigest& expected : run_.digests) {
      const auto tree = engine_.find_tree(expected.tree);
      TreeDigest found;
      std::uint64_t reported = 0;
      if (tree) {
        for (auto scan = engine_.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
          const Entry entry = scan.entry();
          if (found.records % sampled == 0) check_point_read(*tree, expected.tree, entry);
          found.add(entry.key, entry.value);
          if (found.records % options_.batch_records != 0) continue;
          meter_.did(expected.tree, found.records - reported, true);
          reported = found.records;
        }
      }
      if (found == TreeDigest{.records = expected.records, .sum = expected.sum}) continue;
      throw Error(ErrorKind::corruption,
                  {.message = "after the run the tree holds " + std::to_string(found.records) +
                              " records where " + std::to_string(expected.records) +
                              " were written, or others: the schema is not "
                              "raised; check the disk, "
                              "then restore the store from its backup",
                   .operation = "migrate",
                   .tree = expected.tree,
                   .layer = "migrated"});
    }
  }

  void check_point_read(Tree tree, const std::string& name, const Entry& entry) const {
    const auto value = engine_.get(tree, entry.key);
    if (value && value->view() == entry.value) return;
    throw Error(ErrorKind::corruption,
                {.message = "after the run a scan and a get of the key " + readable(entry.key) +
                            " do not agree: the schema is not raised; check "
                            "the disk, then restore "
                            "the store from its backup",
                 .operation = "migrate",
                 .tree = name,
                 .layer = "migrated"});
  }

  [[nodiscard]] static std::string readable(BytesView key) {
    constexpr std::size_t shown = 32;
    std::string text;
    for (const char c : key.substr(0, shown)) {
      const auto byte = static_cast<unsigned char>(c);
      text.push_back("0123456789abcdef"[byte >> 4U]);
      text.push_back("0123456789abcdef"[byte & 15U]);
    }
    return key.size() > shown ? text + "..." : text;
  }

  E& engine_;
  Ledger<E>& ledger_;
  const RunOptions& options_;
  LedgerRun run_;
  RunMeter meter_;
  std::uint32_t pass_ = 0;
  std::set<std::string> waiting_;
  WriteBatch pending_;  ///< what the end of the pass changes in the ledger
};

}  // namespace varve::detail
