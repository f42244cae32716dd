// SPDX-License-Identifier: Apache-2.0
// The catalogue of trees in LMDB: an input is its records, each with two bytes of lengths before
// it.
#include <varve/adapters/lmdb/catalogue.hpp>

#include "fuzz/fuzz.hpp"
#include "temp_directory.hpp"

#include <lmdb.h>

namespace {

MDB_env* environment() {
  static const varve_test::TempDirectory directory;
  static MDB_env* const made = [] {
    MDB_env* opened = nullptr;
    varve_test::expect(mdb_env_create(&opened) == 0 && mdb_env_set_maxdbs(opened, 2) == 0 &&
                           mdb_env_open(opened, directory.path().c_str(), 0, 0600) == 0,
                       "LMDB opens");
    return opened;
  }();
  return made;
}

void put_records(MDB_txn* transaction, varve::BytesView input) {
  MDB_dbi database = 0;
  mdb_dbi_open(transaction, varve::lmdb::Catalogue::database_name, MDB_CREATE, &database);
  while (input.size() > 2) {
    const std::size_t key_size = 1 + static_cast<unsigned char>(input[0]) % 8;
    const auto value_size = static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    const std::string key(input.substr(0, key_size));
    input.remove_prefix(key.size());
    const std::string value(input.substr(0, value_size));
    input.remove_prefix(value.size());
    MDB_val key_value = varve::lmdb::to_value(key);
    MDB_val value_value = varve::lmdb::to_value(value);
    if (!key.empty()) mdb_put(transaction, database, &key_value, &value_value, 0);
  }
}

}  // namespace

void fuzz(varve::BytesView input) {
  MDB_txn* transaction = nullptr;
  varve_test::expect(mdb_txn_begin(environment(), nullptr, 0, &transaction) == 0, "LMDB begins");
  put_records(transaction, input);
  varve_test::takes([&] {
    const auto catalogue = varve::lmdb::Catalogue::open(transaction, MDB_CREATE);
    (void)catalogue.value().next_number();
    for (const varve::lmdb::CatalogueEntry& entry : catalogue->entries()) {
      varve_test::expect(entry.number != 0 && entry.number <= varve::Tree::max_number,
                         "a tree has a number");
    }
  });
  mdb_txn_abort(transaction);
}
