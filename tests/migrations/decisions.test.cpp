// SPDX-License-Identifier: Apache-2.0
//
// What is found in a store when it is opened, and what is answered: each line of that table, in its
// order, and that the order is kept.
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/repair_ledger.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/meddled.hpp"
#include "migrations/on_the_way.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve_test::Change;
using varve_test::ContainsSubstring;
using varve_test::Meddled;
using varve_test::MeddledOptions;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 20;

using Store = Migrated<New, Meddled<LmdbAdapter>>;
using Meddling = MeddledOptions<LmdbAdapter>;

/// A store that is opened again and again, and what that changed.
class Case {
 public:
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  /// Records of version 1, and no schema.
  void fill() const {
    auto store = open<LmdbAdapter>(directory_);
    fill_version_1(store, blocks_made);
  }

  /// What `open` is refused with; nothing where it is not.
  std::optional<Error> opens(MigratedOptions options = {}) {
    changes_.clear();
    Meddling meddling;
    meddling.before = [this](const Change& change, LmdbAdapter&) { changes_.push_back(change); };
    try {
      auto store = open<Store>(directory_, std::move(options), meddling);
      contents_ = contents(store);
      version_ = store.version();
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }

  /// That it is refused in this way, and that nothing was changed by it.
  void check_refused(ErrorKind kind, const std::vector<std::string>& words,
                     MigratedOptions options = {}) {
    const auto error = opens(std::move(options));
    REQUIRE(error);
    CHECK(error->kind() == kind);
    for (const std::string& one : words) CHECK_THAT(error->what(), ContainsSubstring(one));
    CHECK(changes_.empty());
  }

  /// That it is opened, at its newest version.
  void check_opened(MigratedOptions options = {}) {
    const auto error = opens(std::move(options));
    CHECK_FALSE(error);
    if (error) FAIL_CHECK(error->what());
    CHECK(version_ == New::latest);
    CHECK(contents_.at("blocks_by_hash") == contents_of_new(blocks_made).at("blocks_by_hash"));
  }

  [[nodiscard]] std::size_t writes() const {
    std::size_t writes = 0;
    for (const Change& change : changes_) writes += change.kind == Change::Kind::write ? 1 : 0;
    return writes;
  }
  [[nodiscard]] const std::vector<Change>& changes() const noexcept { return changes_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

  /// Hands the ledger to `act`, beside the store.
  template <class Act>
  auto with_ledger(Act&& act) const {
    LmdbAdapter engine(directory_ + "/lmdb");
    Ledger<LmdbAdapter> ledger(engine);
    return act(ledger, engine);
  }

  /// Changes the head as another program, or a tool, would have left it.
  template <class Act>
  void change_head(Act&& change) const {
    with_ledger([&](auto& ledger, auto& engine) {
      LedgerHead head = ledger.head().value();
      change(head);
      WriteBatch batch;
      ledger.put(batch, head);
      engine.write(batch);
    });
  }

  [[nodiscard]] std::string head_bytes() const {
    return with_ledger([](auto&, auto& engine) {
      return get_copy(engine, *engine.find_tree("varve.ledger"), "head").value();
    });
  }
  void set_head_bytes(const std::string& bytes) const {
    with_ledger([&](auto&, auto& engine) {
      put(engine, *engine.find_tree("varve.ledger"), "head", bytes);
    });
  }

  /// Brings it up, and stops that in the middle.
  void interrupt() {
    MigratedOptions options = stopping_after(1);
    options.adopt_as = 1;
    options.run.batch_records = 5;
    CHECK_THROWS_AS(opens(std::move(options)), Stop);
  }

 private:
  TempDirectory home_;
  std::string directory_ = home_ / "store";
  std::vector<Change> changes_;
  Contents contents_;
  std::uint32_t version_ = 0;
};

}  // namespace

TEST_CASE("Decision 1, no head and every tree empty: stamped as of the latest version") {
  Case one;
  const bool with_trees = GENERATE(false, true);
  if (with_trees) {
    auto store = open<LmdbAdapter>(one.directory());
    static_cast<void>(store.open_tree("blocks"));
  }
  REQUIRE_FALSE(one.opens());
  CHECK(one.version() == New::latest);
  // One batch has the head and the steps; the one before it is the record of the stack.
  std::size_t stamps = 0;
  for (const Change& change : one.changes()) {
    if (change.kind != Change::Kind::write) continue;
    CHECK(change.durability == Durability::synced);
    ++stamps;
  }
  CHECK((stamps == 1 || stamps == 2));
  one.with_ledger([](auto& ledger, auto&) {
    CHECK(ledger.head()->write_version == New::latest);
    CHECK(ledger.head()->floor_version == New::latest);
    CHECK(ledger.head()->state == StoreState::ready);
    REQUIRE(ledger.steps().size() == 3);
    for (const LedgerStep& step : ledger.steps()) CHECK(step.baseline);
  });
}

TEST_CASE("Decision 2, no head and records: refused, and adopted when that is told") {
  Case one;
  one.fill();
  one.check_refused(ErrorKind::schema_legacy, {"adopt_as"});
  const LegacyProbe is_one{
      .version = 1, .tree = "blocks", .matches = [](BytesView, BytesView value) {
        return Packed::decode<BlockV1>(value).hash.starts_with("block-");
      }};
  LegacyProbe is_two = is_one;
  is_two.version = 2;
  one.check_refused(ErrorKind::schema_legacy, {".adopt_as = 1"}, {.probes = {is_one}});
  one.check_refused(ErrorKind::schema_legacy, {"exactly one"},
                    {.adopt_as = 1, .probes = {is_one, is_two}});
  SECTION("as what it is said to be") {
    one.check_opened({.adopt_as = 1});
  }
  SECTION("as what the probes find") {
    one.check_opened({.adopt_as = MigratedOptions::as_probed, .probes = {is_one}});
  }
}

TEST_CASE("Decision 3, a head that cannot be read: refused as corrupt, and repaired by name") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  const std::string head = one.head_bytes();
  for (std::size_t i = 0; i < head.size(); i += 3) {
    std::string damaged = head;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    one.set_head_bytes(damaged);
    CAPTURE(i);
    one.check_refused(ErrorKind::corruption, {});
  }
  // Another magic, with the checksum that goes with it.
  one.set_head_bytes(detail::sealed_record("head", "no-ledger" + head.substr(13)));
  one.check_refused(ErrorKind::corruption, {"is no head of a ledger"});
  one.check_refused(ErrorKind::corruption, {}, {.adopt_as = 4});
  using Plain = Migrated<New, LmdbAdapter>;
  CHECK_THROWS_WITH((repair_ledger<Plain>(one.directory(), 3)), ContainsSubstring("of version 4"));
  CHECK(repair_ledger<Plain>(one.directory(), 4).records == blocks_made);
  one.check_opened();
}

TEST_CASE("Decision 4, a newer writer: refused, with its build and the way") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  SECTION("a program whose chain ends later") {
    one.change_head([](LedgerHead& head) {
      head.least_program = 5;
      head.write_version = 5;
      head.written_by = "7.8.9";
    });
    one.check_refused(ErrorKind::schema_newer,
                      {"version 5", "7.8.9", "reaches version 4", "downgrade"});
  }
  SECTION("a toolkit whose ledger this one cannot read") {
    std::string body = one.head_bytes().substr(4);
    body[8] = body[12] = 9;
    one.set_head_bytes(detail::sealed_record("head", body));
    one.check_refused(ErrorKind::schema_newer, {"format 9"});
  }
}

TEST_CASE("Decision 5, another form of a step: refused, and repaired when every record is read") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  one.with_ledger([](auto& ledger, auto& engine) {
    std::vector<LedgerStep> steps = ledger.steps();
    steps.front().identity ^= 1U;
    WriteBatch batch;
    ledger.erase_steps(batch);
    std::uint64_t number = 0;
    for (const LedgerStep& step : steps) ledger.put(batch, ++number, step);
    engine.write(batch);
  });
  one.check_refused(ErrorKind::schema_diverged, {"from version 1 to 2", "not edited"});
  one.check_refused(ErrorKind::schema_diverged, {}, {.skip = true});
  using Plain = Migrated<New, LmdbAdapter>;
  CHECK(repair_ledger<Plain>(one.directory(), 4).records == blocks_made);
  one.check_opened();
}

TEST_CASE("Decision 6, older than every decoder: refused, with the release that leads on") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  one.change_head([](LedgerHead& head) { head.floor_version = 0; });
  one.check_refused(ErrorKind::schema_too_old,
                    {"records of version 0", "begin with version 1", "open it first with"});
}

TEST_CASE("Decision 7, sealed: refused, with its successor") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  one.change_head([](LedgerHead& head) {
    head.state = StoreState::sealed;
    head.successor = "/over/there";
  });
  one.check_refused(ErrorKind::schema_sealed, {"/over/there"});
}

TEST_CASE("Decision 8, the target of a copy that is not complete: refused") {
  Case one;
  one.fill();
  one.check_opened({.adopt_as = 1});
  one.change_head([](LedgerHead& head) { head.state = StoreState::building; });
  one.check_refused(ErrorKind::busy, {"let the copy go on"});
}

TEST_CASE("Decision 9, a run under way: it goes on, and cannot be skipped") {
  Case one;
  one.fill();
  one.interrupt();
  one.check_refused(ErrorKind::invalid_argument, {"cannot be skipped", "take_back_to = 1"},
                    {.skip = true});
  one.check_opened();
}

TEST_CASE("Decision 10, ready and older: planned, and run, asked for or left as it is") {
  Case one;
  one.fill();
  SECTION("run") {
    one.check_opened({.adopt_as = 1});
  }
  SECTION("left on its version") {
    CHECK_FALSE(one.opens({.adopt_as = 1, .skip = true}));
    CHECK(one.version() == 1);
    one.check_opened();
  }
  SECTION("asked for, where it loses something") {
    using Lossy = Migrated<ToFour, LmdbAdapter>;
    CHECK_FALSE(one.opens({.adopt_as = 1, .skip = true}));
    const Error refusal = varve_test::there_and_back::refusal<Lossy>(one.directory());
    CHECK(refusal.kind() == ErrorKind::schema_loss);
    const std::uint64_t accepted = varve_test::on_the_way::accept_loss_in(refusal);
    const Error other = varve_test::there_and_back::refusal<Lossy>(
        one.directory(), MigratedOptions{.accept_loss = accepted ^ 2});
    CHECK(other.kind() == ErrorKind::schema_loss);
    CHECK_THAT(other.what(), ContainsSubstring("that was not accepted for this very plan"));
    auto store = open<Lossy>(one.directory(), MigratedOptions{.accept_loss = accepted});
    CHECK(contents(store) == contents_of_version_4(blocks_made));
  }
}

TEST_CASE("Decisions: where several lines hold, the first one answers") {
  const auto steps = steps_of<New>();
  struct Line {
    SchemaStatus answer;
    std::function<void(LedgerHead&, std::optional<LedgerRun>&, std::vector<LedgerStep>&)> holds;
  };
  const std::array lines{
      Line{SchemaStatus::newer, [](auto& head, auto&, auto&) { head.least_program = 9; }},
      Line{SchemaStatus::diverged,
           [&](auto&, auto&, auto& history) {
             history.push_back({.from = 1, .to = 2, .identity = steps[0].identity ^ 1U});
           }},
      Line{SchemaStatus::too_old, [](auto& head, auto&, auto&) { head.floor_version = 0; }},
      Line{SchemaStatus::sealed, [](auto& head, auto&, auto&) { head.state = StoreState::sealed; }},
      Line{SchemaStatus::interrupted, [](auto&, auto& run, auto&) { run.emplace(); }},
      Line{SchemaStatus::older, [](auto&, auto&, auto&) {}},
  };
  for (std::size_t first = 0; first != lines.size(); ++first) {
    for (unsigned others = 0; others != 1U << lines.size(); ++others) {
      LedgerHead head{.write_version = 3, .floor_version = 3, .least_program = 3};
      std::optional<LedgerRun> run;
      std::vector<LedgerStep> history;
      for (std::size_t line = first; line != lines.size(); ++line) {
        if (line == first || (others >> line & 1U) != 0) lines[line].holds(head, run, history);
      }
      CAPTURE(first, others);
      CHECK(find_schema(steps, head, run, history, true).status == lines[first].answer);
    }
  }
  CHECK(find_schema(steps, std::nullopt, std::nullopt, {}, true).status == SchemaStatus::legacy);
  CHECK(find_schema(steps, std::nullopt, std::nullopt, {}, false).status == SchemaStatus::fresh);
}
