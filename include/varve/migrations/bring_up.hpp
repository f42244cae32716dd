// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/held_trees.hpp>
#include <varve/migrations/lazy_switch.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/legacy_probe.hpp>
#include <varve/migrations/opening.hpp>
#include <varve/migrations/options.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/plan_store.hpp>
#include <varve/migrations/put_steps.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/schema_run.hpp>
#include <varve/migrations/taken_names.hpp>
#include <varve/migrations/terminal_grace.hpp>
#include <varve/migrations/way_back.hpp>
#include <varve/tables/tell_history.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Brings a store to the version that the options ask for, the latest where they ask for none, or
/// refuses it as it is.
template <class Chain, KvEngine E>
class BringUp {
 public:
  BringUp(E& engine, const MigratedOptions& options)
      : engine_(engine), options_(options), ledger_(engine), run_(engine, ledger_, options) {}

  /// `mark` has the layer recorded, before the first thing is changed that needs it.
  template <class Mark>
  void run(const Mark& mark) {
    check_wishes();
    if (!ledger_.head() && has_records(engine_)) adopt();
    while (!advance(mark)) {
    }
  }

 private:
  void check_wishes() const {
    const std::uint32_t wished = options_.take_back_to;
    if (wished == 0 || (wished >= Chain::oldest && wished < Chain::latest)) return;
    refuse_wish("a store cannot be taken back to version " + std::to_string(wished) +
                ": the chain leads from " + std::to_string(Chain::oldest) + " to " +
                std::to_string(Chain::latest));
  }

  /// One run, or none. Whether the store is then at the version that it is to have.
  template <class Mark>
  bool advance(const Mark& mark) {
    MigrationPlan planned = plan_opening<Chain>(engine_, ledger_, options_);
    if (!planned.finding.opens()) refuse_schema(planned.finding);
    switch (planned.finding.status) {
      case SchemaStatus::fresh:
        mark();
        stamp(Chain::latest, true);
        return options_.take_back_to == 0;
      case SchemaStatus::older:
        if (stays_on(planned.from)) {
          if (const auto tree = without_versions(planned.from)) {
            refuse_to_stay(*tree, planned.from);
          }
          break;
        }
        check_loss(planned);
        check_taken_names<Chain>(engine_, ledger_, planned.from);
        terminal_grace(planned, options_.grace);
        back_up();
        mark();
        HeldTrees::finish_purges(engine_, ledger_);
        if (planned.lazy && !options_.force) {
          LedgerHead head = *ledger_.head();
          head.written_by = version_text();
          end_rollbacks(engine_);
          switch_lazily<Chain>(engine_, ledger_, std::move(head), planned.from,
                               options_.backup_directory);
          return true;
        }
        planned.records = records_to_read<Chain>(engine_, planned.from);
        run_.take(*ledger_.head(), planned);
        return true;
      case SchemaStatus::interrupted:
        mark();
        run_.go_on(*ledger_.head(), *ledger_.run());
        return false;
      default:
        if (without_versions(planned.from)) {
          mark();
          run_.put_versions(*ledger_.head());
          return false;
        }
        if (options_.take_back_to == 0) break;
        check_way_back(steps_of<Chain>(), ledger_.steps(), Chain::latest, planned.to);
        back_up();
        HeldTrees::finish_purges(engine_, ledger_);
        run_.take_back(*ledger_.head(), planned);
        return true;
    }
    mark();
    HeldTrees::finish_purges(engine_, ledger_);
    return true;
  }

  [[nodiscard]] std::optional<std::string> without_versions(std::uint32_t version) const {
    return tree_without_versions<Chain>(engine_, ledger_, version);
  }

  /// Whether a store of an older version is left on it.
  [[nodiscard]] bool stays_on(std::uint32_t version) const {
    const std::uint32_t wished = options_.take_back_to;
    if (wished == 0) return options_.skip;
    if (wished == version) return true;
    refuse_wish("the store is at version " + std::to_string(version) +
                (version < wished ? ": it cannot be taken back to " + std::to_string(wished) +
                                        ", but brought there by a program whose chain "
                                        "ends with it"
                                  : ": it is taken back from there by a program whose "
                                    "chain ends with it, as ChainUpTo does"));
  }

  /// Stamps records that have no schema, if that was told.
  void adopt() {
    std::uint32_t version = options_.adopt_as;
    if (!options_.probes.empty()) {
      const auto found = probed_versions(engine_, options_.probes);
      if (found.size() == 1 && version == MigratedOptions::as_probed) version = found.front();
      if (found != std::vector<std::uint32_t>{version}) refuse_probed(found, version);
    }
    if (version == 0) return;
    if (version < Chain::oldest || version > Chain::latest) {
      refuse_wish("a store cannot be adopted as version " + std::to_string(version) +
                  ": the chain leads from " + std::to_string(Chain::oldest) + " to " +
                  std::to_string(Chain::latest));
    }
    stamp(version, false);
  }

  [[noreturn]] static void refuse_probed(const std::vector<std::uint32_t>& found,
                                         std::uint32_t version) {
    const bool one = found.size() == 1;
    refuse_schema(
        {.status = SchemaStatus::legacy,
         .words = "the store has records and no schema, and " + probed_words(found) +
                  (one ? (version == 0 ? "" : ", and not for " + std::to_string(version)) +
                             std::string(": open it once with "
                                         "MigratedOptions{.adopt_as = ") +
                             std::to_string(found.front()) + "}"
                       : std::string(": give probes of which exactly one "
                                     "matches, or none and "
                                     "MigratedOptions{.adopt_as = version}"))});
  }

  /// The first head of a store.
  void stamp(std::uint32_t version, bool fresh) {
    ledger_.create();
    const LedgerHead head{.store = random_bits() | 1U,
                          .epoch = 1,
                          .write_version = version,
                          .floor_version = version,
                          .least_program = version,
                          .chain = chain_identity(steps_of<Chain>(), Chain::oldest, version),
                          .written_by = version_text()};
    WriteBatch batch;
    // Records of the latest version need no step, but a version in front of
    // them.
    if (!fresh && version == Chain::latest) {
      run_.begin_with(batch, head);
    } else {
      ledger_.put(batch, head);
    }
    put_steps<Chain>(ledger_, batch, 1, Chain::oldest, version, true);
    if (fresh) {
      const std::int64_t now = seconds_since_1970();
      for (const std::string& tree : versioned_trees<Chain>()) {
        ledger_.put(batch, tree, LedgerTree{.version = version, .since = now});
      }
    }
    engine_.write(batch, Durability::synced);
  }

  void check_loss(const MigrationPlan& planned) const {
    if (planned.lossy() && options_.accept_loss != planned.hash()) {
      throw Error(ErrorKind::schema_loss,
                  {.message = "the way to version " + std::to_string(Chain::latest) +
                              " loses data, and that was not accepted" +
                              (options_.accept_loss == 0 ? "" : " for this very plan") + ": " +
                              to_string(planned),
                   .operation = "open",
                   .layer = "migrated"});
    }
  }

  void back_up() {
    if (options_.backup_directory.empty()) return;
    if constexpr (CheckpointEngine<E>) {
      engine_.checkpoint(options_.backup_directory);
    } else {
      throw Error(ErrorKind::not_supported,
                  {.message = "this stack cannot copy itself before a "
                              "migration: back it up by "
                              "other means and leave backup_directory empty",
                   .operation = "open",
                   .layer = "migrated"});
    }
  }

  E& engine_;
  const MigratedOptions& options_;
  Ledger<E> ledger_;
  SchemaRun<Chain, E> run_;
};

}  // namespace varve::detail
