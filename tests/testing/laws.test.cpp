// SPDX-License-Identifier: Apache-2.0
#include <varve/open.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"
#include "testing/defective_engine.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using namespace varve;
using varve_test::Defect;
using varve_test::DefectiveEngine;

static_assert(assert_kv_engine<DefectiveEngine>());
static_assert(SnapshotEngine<DefectiveEngine> && MultiGetEngine<DefectiveEngine> &&
              CountEngine<DefectiveEngine> && BulkLoadEngine<DefectiveEngine> &&
              CheckpointEngine<DefectiveEngine> && CompactEngine<DefectiveEngine> &&
              TransactionalDropEngine<DefectiveEngine> && TailEngine<DefectiveEngine> &&
              TransactionalEngine<DefectiveEngine>);

namespace {

class DefectiveFixture {
 public:
  using Engine = DefectiveEngine;

  explicit DefectiveFixture(Defect defect) : defect_(defect) {}

  [[nodiscard]] std::unique_ptr<Engine> make() { return std::make_unique<Engine>(defect_); }
  [[nodiscard]] std::unique_ptr<Engine> reopen(std::unique_ptr<Engine> engine) {
    return engine->reopened(fresh_directory());
  }
  [[nodiscard]] std::string fresh_directory() { return root_ / std::to_string(++count_); }
  [[nodiscard]] std::unique_ptr<Engine> open_at(const std::string& directory) {
    return std::make_unique<Engine>(defect_, testing::FullEngine::from_checkpoint(directory));
  }

 private:
  Defect defect_;
  varve_test::TempDirectory root_;
  int count_ = 0;
};

/// Hides some of what the toolkit keeps for itself.
template <KvEngine Next>
class Meddler
    : public Layer<Next, Forwards<Group::scans, Group::writes, Group::trees, Group::maintenance>> {
 public:
  static constexpr BytesView name = "meddler";

  template <class Context>
  explicit Meddler(Context& context) : Meddler::Layer(context) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const {
    auto found = this->next().get(tree, key);
    if (tree.reserved() && found && found->view() == "2") found.reset();
    return found;
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return get(tree, key).has_value(); }
};

/// Can only be built in place.
struct Immovable : testing::MinimalEngine {
  Immovable() = default;
  Immovable(Immovable&&) = delete;
};

struct Seeded {
  Defect defect;
  const char* law;
};

// clang-format off
constexpr Seeded all_seeded[] = {
    {Defect::put_keeps_the_first, "KV1"},
    {Defect::get_takes_a_prefix, "KV1"},
    {Defect::zero_ends_a_key, "KV2"},
    {Defect::empty_value_is_absent, "KV2"},
    {Defect::scan_misses_empty_values, "KV3"},
    {Defect::empty_key_is_refused, "KV4"},
    {Defect::value_is_read_late, "KV5"},
    {Defect::scan_is_signed, "KV6"},
    {Defect::scan_misses_high_prefixes, "KV6"},
    {Defect::scan_takes_the_last, "KV6"},
    {Defect::scan_down_misses_the_last, "KV6"},
    {Defect::scan_of_nothing_finds, "KV7"},
    {Defect::scan_sees_later_writes, "KV8"},
    {Defect::batch_erases_at_its_end, "KV9"},
    {Defect::batch_stops_half_way, "KV10"},
    {Defect::empty_batch_is_refused, "KV11"},
    {Defect::erase_range_takes_the_last, "KV12"},
    {Defect::limit_is_not_named, "KV13"},
    {Defect::limit_is_met_half_way, "KV13"},
    {Defect::batch_limit_is_forgotten, "KV13"},
    {Defect::largest_value_is_refused, "KV13"},
    {Defect::record_is_lost, "KV14"},
    {Defect::tree_is_opened_twice, "KV15"},
    {Defect::tree_name_ignores_case, "KV15"},
    {Defect::trees_hide_the_reserved, "KV16"},
    {Defect::reserved_is_not_marked, "KV16"},
    {Defect::id_is_given_again, "KV17"},
    {Defect::unknown_tree_is_empty, "KV18"},
    {Defect::unknown_tree_is_compacted, "KV18"},
    {Defect::unknown_tree_is_counted, "KV18"},
    {Defect::name_is_cut, "KV19"},
    {Defect::trees_share_records, "KV20"},
    {Defect::flush_forgets, "KV21"},
    {Defect::move_forgets, "KV22"},
    {Defect::reopening_loses_buffered, "RO1"},
    {Defect::reopening_gives_new_ids, "RO1"},
    {Defect::reopening_forgets_numbers, "RO2"},
    {Defect::snapshot_is_live, "SN1"},
    {Defect::snapshot_loses_dropped_trees, "SN2"},
    {Defect::snapshot_shows_later_trees, "SN3"},
    {Defect::snapshot_takes_its_values_along, "SN4"},
    {Defect::multi_get_sorts, "MG1"},
    {Defect::multi_get_keeps_old_values, "MG2"},
    {Defect::count_is_zero, "CT1"},
    {Defect::bulk_is_seen_early, "BL1"},
    {Defect::bulk_stays_unfinished, "BL2"},
    {Defect::bulk_takes_any_order, "BL2"},
    {Defect::bulk_has_no_limits, "BL3"},
    {Defect::bulk_is_not_durable, "BL4"},
    {Defect::checkpoint_lacks_the_reserved, "CP1"},
    {Defect::checkpoint_overwrites, "CP2"},
    {Defect::compact_forgets, "CM1"},
    {Defect::write_and_drop_in_parts, "WD1"},
    {Defect::tail_skips_one, "TL1"},
    {Defect::transaction_reads_around_itself, "TX1"},
    {Defect::transaction_always_wins, "TX2"},
};
// clang-format on

}  // namespace

TEST_CASE("check_laws: an engine with every refinement keeps every law") {
  DefectiveFixture fixture(Defect::none);
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEST_CASE("check_laws: each defect breaks the law that forbids it") {
  for (const Seeded& seeded : all_seeded) {
    DefectiveFixture fixture(seeded.defect);
    const auto broken = testing::check_laws(fixture);
    INFO("defect " << static_cast<int>(seeded.defect) << " is to break " << seeded.law << "; "
                   << (broken ? to_string(*broken) : "no law is broken"));
    CHECK((broken && broken->number == seeded.law));
    CHECK((broken && !broken->evidence.empty()));
  }
}

TEST_CASE("check_laws: a layer that touches what is reserved breaks LY1") {
  const auto broken = testing::check_laws([] { return open<Meddler<testing::MinimalEngine>>(); });
  REQUIRE(broken);
  CHECK(broken->number == "LY1");
  CHECK(to_string(*broken).find("from below") != std::string::npos);
}

TEST_CASE("check_laws: takes engines by value, even immovable ones, and by unique_ptr") {
  static_assert(KvEngine<Immovable> && !std::is_move_constructible_v<Immovable>);
  CHECK_FALSE(testing::check_laws([] { return Immovable(); }));
  CHECK_FALSE(testing::check_laws([] { return std::make_unique<Immovable>(); }));
}

TEST_CASE("check_laws: every law has a defect that it finds") {
  DefectiveFixture fixture(Defect::none);
  for (const std::string& number : testing::law_numbers(fixture)) {
    INFO(number);
    CHECK(std::any_of(std::begin(all_seeded), std::end(all_seeded),
                      [&](const Seeded& seeded) { return number == seeded.law; }));
  }
}
