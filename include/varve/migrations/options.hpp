// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/legacy_probe.hpp>
#include <varve/migrations/run_options.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace varve {

struct MigratedOptions {
  /// For `adopt_as`: the version that the probes find.
  static constexpr std::uint32_t as_probed = 0xffff'ffff;

  /// `MigrationPlan::hash()` of the plan whose losses are accepted. A plan that
  /// loses nothing needs none; one that does is refused without it, and the
  /// refusal says the number.
  std::uint64_t accept_loss = 0;
  /// How long a run that loses data waits before it begins, where the standard
  /// error output is a terminal: whoever sits there can stop it with Ctrl-C. 0
  /// for not at all.
  std::chrono::milliseconds grace = std::chrono::seconds(5);
  /// The version of the records in a store that has records and no schema. 0
  /// refuses such a store.
  std::uint32_t adopt_as = 0;
  /// Tell the version of the records in such a store. Where there are any,
  /// exactly one version must be found, and `adopt_as` must be that.
  std::vector<LegacyProbe> probes{};
  /// Leaves a store on the version that it has, if that is an older one. What
  /// is written then must be of that version: `ChainUpTo`.
  bool skip = false;
  /// The lower version that the store is taken back to, and left on: from the
  /// latest one over lossless steps, or, where a run was interrupted, to the
  /// version that it began with. 0 for none.
  std::uint32_t take_back_to = 0;
  /// `LedgerRun::identity` of an interrupted run that another revision of the
  /// same steps began, and that goes on with those of this program. What it has
  /// done stays as it is. The refusal says the number.
  std::uint64_t take_over = 0;
  /// Where a copy of the store is made before the first record changes, if not
  /// empty.
  std::string backup_directory{};
  /// Takes lazy steps as eager ones, and rewrites before the store opens what earlier ones left.
  bool force = false;
  /// Has the engine give back, before the store opens, the space of what a run has overwritten and
  /// removed. It is no part of the run: killed then, the store is at its new version, and `compact`
  /// does the same at any time. An engine that cannot is left as it is; the plan says so.
  bool compact = false;
  /// How a run behaves.
  RunOptions run{};

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("accept_loss", accept_loss);
    visit("grace_milliseconds", grace.count());
    visit("adopt_as", adopt_as);
    visit("skip", skip);
    visit("take_back_to", take_back_to);
    visit("take_over", take_over);
    visit("backup_directory", backup_directory);
    visit("force", force);
    visit("compact", compact);
    visit("batch_bytes", run.batch_bytes);
    visit("batch_records", run.batch_records);
    visit("workers", run.workers);
    visit("refused_at_most", run.refused_at_most);
    visit("records_per_second", run.records_per_second);
  }
};

}  // namespace varve
