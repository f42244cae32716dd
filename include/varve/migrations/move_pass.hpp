// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/changed_records.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/rewrite_pass.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_moves.hpp>
#include <varve/migrations/schema_heights.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace varve::detail {

/// The moves of step `S` from the tree that `First`, the first of them, reads.
template <class Chain, class S, class First>
struct MovePass {
  static constexpr BytesView name = First::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t low) noexcept {
    return moves_invert<Chain, S, First>(low);
  }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    if (const auto source = batches.engine().find_tree(name)) {
      LedgerRun& run = batches.run();
      const bool tagged = batches.is_tagged(name);
      if (run.cursor.empty()) {
        each_move_from<S, First>([&]<class A>() { batches.take_name(A::target); });
      }
      static_cast<void>(batches.digest_of(name, true));
      each_move_from<S, First>([&]<class A>() {
        batches.heights().tagged(A::target);
        static_cast<void>(batches.digest_of(A::target, false));
      });
      MovedRecords<E> moved(batches.engine());
      const auto change = [&](ChangedRecords& changed, const Entry& entry) {
        const versions::Tagged found = tagged_record(entry.value, tagged, run.from);
        const auto key = Ordered::decode<typename First::Source::Key>(entry.key);
        moved.begin(changed.batch);
        read_moving<Chain, S, First>(
            static_cast<std::uint32_t>(found.version), found.bytes, [&](const auto& record) {
              each_move_from<S, First>([&]<class A>() { add_moved<A>(moved, key, record); });
            });
        if (moved.empty() && !S::loss.lossy) {
          throw std::runtime_error("no move of the step, which is lossless, takes it");
        }
      };
      const auto settle = [&](ChangedRecords& changed, const Entry& entry) -> const char* {
        if (moved.too_long()) return "the key that the move gives to it is too long for the engine";
        if (moved.collides()) return "another record has the key that the move gives to it";
        moved.put(changed.batch, batches);
        changed.batch.erase(*source, entry.key);
        return nullptr;
      };
      batches.move_records(*source, name, run.cursor, Order::ascending, change, settle);
    }
    each_move_from<S, First>([&]<class A>() {
      batches.record(A::target, TreeState::live, S::to);
      follow_move<Chain, typename A::Source, typename A::Target>(batches.engine(),
                                                                 batches.pending());
    });
    forget_table(batches.engine(), batches.pending(), name);
    batches.forget(name);
    batches.end_pass();
  }

  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t before) {
    const std::uint32_t version =
        std::max(before, resting_version<Chain>(name, batches.low(), S::from));
    const bool tagged = batches.rests_tagged(name, version);
    static_cast<void>(batches.engine().open_tree(name));
    static_cast<void>(batches.digest_of(name, false));
    each_move_from<S, First>([&]<class A>() {
      undo_one<A>(batches, version, tagged);
      follow_move_back<typename A::Source, typename A::Target>(batches.engine(), batches.pending());
    });
    batches.record_rest(name, version, tagged);
    batches.end_pass();
  }

 private:
  template <class A, KvEngine E, class Key, class Record>
  static void add_moved(MovedRecords<E>& moved, const Key& key, const Record& record) {
    with_moved(A::convert(key, record), [&](const auto& to_key, const auto& to_record) {
      std::string& bytes = moved.add(A::target, to_key);
      bytes.assign(versions::tag_of<S::to>().view());
      A::Target::RecordCodec::encode(to_record, bytes);
    });
  }

  template <class A, KvEngine E>
  static void undo_one(RunBatches<E>& batches, std::uint32_t version, bool tagged) {
    E& engine = batches.engine();
    // One that is still held is an older tree of the name, which the move did
    // not come to.
    if (batches.state_of(A::target) == TreeState::held) return;
    const auto target = engine.find_tree(A::target);
    if (!target) return batches.forget_tree(A::target);
    batches.heights().tagged(A::target);
    MovedRecords<E> moved(engine);
    bool belongs = false;
    const auto change = [&](ChangedRecords& changed, const Entry& entry) {
      const auto key = Ordered::decode<typename A::Target::Key>(entry.key);
      const versions::Tagged found = versions::take_tag(entry.value);
      if (found.version != S::to) {
        throw std::runtime_error("it is of version " + std::to_string(found.version));
      }
      const auto record = A::Target::RecordCodec::template decode<typename A::Out>(found.bytes);
      belongs = came_by<S, A>(key, record, entry.key);
      if (!belongs) return;
      if constexpr (A::invertible) {
        moved.begin(changed.batch);
        with_moved(A::invert(key, record), [&](const auto& from_key, const auto& from_record) {
          std::string& bytes = moved.add(A::tree, from_key);
          bytes.clear();
          append_source<Chain, S, A>(bytes, from_record, version, tagged);
        });
        if (moved.empty()) throw std::runtime_error("the inverse of the move does not take it");
      }
    };
    const auto settle = [&](ChangedRecords& changed, const Entry& entry) -> const char* {
      if (!belongs) return nullptr;
      if (moved.differs()) return "another record goes back to the same key";
      moved.put(changed.batch, batches);
      changed.batch.erase(*target, entry.key);
      return nullptr;
    };
    std::string place;
    batches.move_records(*target, A::target, place, Order::ascending, change, settle);
    if (engine.scan(*target, KeyRange::all()).valid()) return;
    // The past of a tree goes with it.
    if constexpr (!keeps_history<E>) engine.drop_tree(*target);
    batches.forget_tree(A::target);
  }
};

}  // namespace varve::detail
