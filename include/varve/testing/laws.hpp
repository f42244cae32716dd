// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/stack.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/broken_law.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/laws/bulk_laws.hpp>
#include <varve/testing/laws/checkpoint_laws.hpp>
#include <varve/testing/laws/engine_laws.hpp>
#include <varve/testing/laws/law.hpp>
#include <varve/testing/laws/layer_laws.hpp>
#include <varve/testing/laws/reader_laws.hpp>
#include <varve/testing/laws/refinement_laws.hpp>
#include <varve/testing/laws/tree_laws.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

namespace detail {

using EngineLaw = Law<AnyFixture&>;

inline std::vector<EngineLaw> laws_of(const Abilities& can) {
  std::vector<EngineLaw> laws{
      {"KV1", "get gives the last value put under a key, and nothing where there is none.",
       gets_what_was_put},
      {"KV2", "Keys and values are any bytes.", takes_any_bytes},
      {"KV3", "An empty value is a value.", empty_value_is_a_value},
      {"KV4", "A key that is empty or beyond the limit is absent.", impossible_keys_are_absent},
      {"KV5", "A pinned value stays as it was while its owner lives, wherever that is moved.",
       pinned_value_stays},
      {"KV6",
       "A scan gives the entries of its range, each once, in the order of unsigned bytes, or "
       "in reverse.",
       scan_gives_its_range},
      {"KV7", "A scan of nothing is empty.", scan_of_nothing_is_empty},
      {"KV8", "A scan sees the one state at which it was made.", scan_keeps_its_state},
      {"KV9", "The operations of a batch are applied in order.", batch_is_applied_in_order},
      {"KV10", "A batch is applied whole or not at all.", batch_is_all_or_nothing},
      {"KV11", "An empty batch is taken and changes nothing.", empty_batch_changes_nothing},
      {"KV12", "erase_range erases just the keys of its range.", erase_range_erases_its_range},
      {"KV13",
       "A breach of a limit is an invalid_argument that names the limit, and changes nothing.",
       limits_are_kept},
      {"KV14", "Of many records none is lost, doubled or mixed up.", many_records_are_kept},
      {"KV15",
       "A name has one tree, and find_tree and trees tell of just the trees that are there.",
       tree_is_found_by_name},
      {"KV16", "A tree is reserved just when its name starts with 'varve.', and works like any.",
       reserved_names_give_reserved_trees},
      {"KV17", "A dropped tree is gone with its records, and its id is never given again.",
       dropped_tree_is_gone},
      {"KV18", "An operation on a tree that is not there is an invalid_argument.",
       unknown_tree_is_refused},
      {"KV19", "A name of 1 to 255 bytes without control characters is taken, any other refused.",
       bad_names_are_refused},
      {"KV20", "Trees do not share their records.", trees_are_independent},
      {"KV21", "flush and size_on_disk change nothing that is read.", upkeep_changes_nothing},
      {"KV22", "An engine that is moved keeps its contents.", moved_engine_keeps_its_contents},
  };
  const auto add = [&](const char* number, const char* sentence, void (*run)(AnyFixture&)) {
    laws.push_back({number, sentence, run});
  };
  if (can.reopens) {
    add("RO1", "What was written synced, or flushed, is there after reopening, under the same ids.",
        reopening_keeps_everything);
    add("RO2", "What was dropped stays so after reopening, and its id is not given again.",
        reopening_keeps_drops);
  }
  if (can.snapshots) {
    add("SN1", "A snapshot sees the one state at which it was made.", snapshot_keeps_its_state);
    add("SN2", "A snapshot keeps the trees that are dropped after it.",
        snapshot_outlives_its_trees);
    add("SN3", "A snapshot shows nothing of a tree that is opened after it.",
        snapshot_shows_nothing_of_later_trees);
    add("SN4", "Values and scans of a snapshot outlive it.", snapshot_values_outlive_it);
  }
  if (can.multi_gets) {
    add("MG1", "multi_get answers each key as get does, whatever their order and number.",
        multi_get_answers_as_get);
    add("MG2", "Each value of multi_get stays by itself.", multi_get_values_stay);
  }
  if (can.counts) {
    add("CT1", "approximate_count tells much from nothing.", count_tells_much_from_nothing);
  }
  if (can.bulk_loads) {
    add("BL1", "A bulk load is seen whole at finish, not before, and overrides what was there.",
        bulk_load_is_seen_at_its_end);
    add("BL2", "A bulk load that is not finished, or refused, leaves nothing.",
        bulk_load_unfinished_leaves_nothing);
    add("BL3", "A bulk load keeps the limits, and is not seen by a scan made before.",
        bulk_load_keeps_scans_and_limits);
    if (can.reopens) {
      add("BL4", "A finished bulk load is there after reopening.", bulk_load_is_durable);
    }
  }
  if (can.checkpoints && can.opens_checkpoints) {
    add("CP1", "A checkpoint opens as a store of its own, with the state of its moment.",
        checkpoint_opens_as_a_store);
    add("CP2", "A checkpoint overwrites nothing.", checkpoint_overwrites_nothing);
  }
  if (can.compacts) {
    add("CM1", "compact changes nothing that is read.", compact_changes_nothing);
  }
  if (can.writes_and_drops) {
    add("WD1", "write_and_drop does both or neither.", write_and_drop_is_all_or_nothing);
  }
  if (can.has_tail) {
    add("TL1", "The tail gives every batch, in order, with numbers that grow.",
        tail_gives_every_batch);
  }
  if (can.has_transactions) {
    add("TX1", "A transaction reads its own writes, and they are seen when it commits.",
        transaction_reads_its_writes);
    add("TX2",
        "A transaction loses to a newer write of what it read, and leaves nothing when dropped.",
        transaction_loses_to_newer_writes);
  }
  if (can.is_volatile) {
    add("VO1", "A fresh engine gives its trees the ids that another gave in the same order.",
        volatile_ids_come_again);
  }
  return laws;
}

/// With that of the layers, which alone looks below the engine and so must know its type.
template <Fixture F>
std::vector<EngineLaw> laws_over() {
  std::vector<EngineLaw> laws = laws_of(abilities_of<F>());
  if constexpr (varve::detail::LayerShape<typename F::Engine>) {
    laws.push_back({"LY1",
                    "A layer hands operations on reserved trees to the layer below untouched.",
                    [](AnyFixture& any) {
                      const auto engine = static_cast<FixtureBehind<F>&>(any).fixture().make();
                      layer_passes_reserved_trees_on(*engine);
                    }});
  }
  return laws;
}

}  // namespace detail

/// The numbers of the laws that `check_laws` runs over the fixture, by what its engine models.
template <Fixture F>
[[nodiscard]] std::vector<std::string> law_numbers(const F&) {
  std::vector<std::string> numbers;
  for (const auto& law : detail::laws_over<F>()) numbers.emplace_back(law.number);
  return numbers;
}

/// Runs every law that applies over engines of the fixture, and answers the first that is broken.
/// An exception where none belongs breaks the law under which it was thrown.
template <Fixture F>
[[nodiscard]] std::optional<BrokenLaw> check_laws(F& fixture) {
  static_assert(assert_stack<typename F::Engine>());
  detail::FixtureBehind<F> any(fixture);
  return detail::first_broken(detail::laws_over<F>(), any);
}

/// The same over engines that the callable `make` gives by value or by `std::unique_ptr`:
/// `check_laws([] { return MyEngine(); })`.
template <class Make>
  requires(!Fixture<Make>) && std::invocable<Make&>
[[nodiscard]] std::optional<BrokenLaw> check_laws(Make make) {
  using E = typename FixtureOf<Make>::Engine;
  static_assert(assert_stack<E>());
  if constexpr (KvEngine<E>) {
    FixtureOf<Make> fixture(std::move(make));
    return check_laws(fixture);
  } else {
    return std::nullopt;  // Not reached: the assertion above has said what is missing.
  }
}

}  // namespace varve::testing
