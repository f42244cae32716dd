// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>

namespace varve {

/// A chain with the tables that its records are of: `Migrated<WithTables<Chain, Accounts>, Next>`.
/// Their indexes are built when a run has rewritten their records, before the store opens; after a
/// lazy run, by the scrub. Indexes of tables that are not named here are to be built by
/// `build_indexes`. Tables take the chain itself: `Evolving<Chain, AccountTree>`.
template <class Chain, class... Tables>
struct WithTables : Chain {
  /// Calls `use.operator()<Table>()` for each.
  template <class Use>
  static void each_table(Use&& use) {
    (use.template operator()<Tables>(), ...);
  }
};

namespace detail {

/// Builds the indexes that are to be built, of the tables of `Schema` that the store has.
template <class Schema, KvEngine E>
void build_tables(E& engine) {
  if constexpr (requires { Schema::each_table([]<class>() {}); }) {
    Schema::each_table([&]<class Table>() {
      const auto catalogue = engine.find_tree("varve.tables");
      if (!catalogue || !engine.contains(*catalogue, Table::name)) return;
      if (!engine.find_tree(Table::name)) return;
      typename Table::template On<E>(engine).build_indexes();
    });
  }
}

}  // namespace detail

}  // namespace varve
