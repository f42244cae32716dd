// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/run_options.hpp>

#include <cstdint>
#include <string>

namespace varve {

struct MigratedOptions {
  /// `MigrationPlan::hash()` of the plan whose losses are accepted. A plan that
  /// loses nothing needs none; one that does is refused without it, and the
  /// refusal says the number.
  std::uint64_t accept_loss = 0;
  /// The version of the records in a store that has records and no schema. 0
  /// refuses such a store.
  std::uint32_t adopt_as = 0;
  /// Where a copy of the store is made before the first record changes, if not
  /// empty.
  std::string backup_directory{};
  /// How a run behaves.
  RunOptions run{};

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("accept_loss", accept_loss);
    visit("adopt_as", adopt_as);
    visit("backup_directory", backup_directory);
    visit("batch_bytes", run.batch_bytes);
    visit("batch_records", run.batch_records);
    visit("refused_at_most", run.refused_at_most);
    visit("records_per_second", run.records_per_second);
  }
};

}  // namespace varve
