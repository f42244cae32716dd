// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/batch_translation.hpp>
#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/write_batch.hpp>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <mutex>
#include <string>
#include <vector>

namespace varve::detail::rocks {

/// Writes the memory of every tree into table files, all or none.
inline void flush_memory(Store& store, const char* operation) {
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  {
    const std::lock_guard lock(store.trees_mutex());
    for (const TreeState* state = store.trees().newest(); state != nullptr; state = state->older) {
      if (!state->dead()) families.push_back(state->handle);
    }
  }
  const rocksdb::Status status = store.database().Flush(rocksdb::FlushOptions(), families);
  if (!status.IsColumnFamilyDropped()) store.check_change(status, operation);
}

inline void write_translated(Store& store, const WriteBatch& batch, Durability durability) {
  BatchTranslation translation(store, batch);
  rocksdb::WriteOptions options;
  options.disableWAL = !store.options().logs();
  options.sync = durability == Durability::synced && !options.disableWAL;
  store.check_change(store.database().Write(options, &translation.translated()), "write");
}

inline void write(Store& store, const WriteBatch& batch, Durability durability) {
  store.check_writable("write");
  if (batch.bytes().size() > limits.max_batch_bytes) {
    refuse(ErrorKind::invalid_argument,
           "a batch of " + std::to_string(batch.bytes().size()) +
               " bytes is beyond the engine's limit max_batch_bytes of " +
               std::to_string(limits.max_batch_bytes),
           "write");
  }
  if (BatchTranslation::needs_quiet(batch)) {
    const auto alone = store.changes().alone();
    write_translated(store, batch, durability);
  } else {
    const auto shared = store.changes().share();
    write_translated(store, batch, durability);
  }
  if (durability == Durability::synced && !store.options().logs()) {
    flush_memory(store, "write");
  }
}

inline void flush(Store& store) {
  store.check_writable("flush");
  if (store.options().logs()) {
    store.check_change(store.database().SyncWAL(), "flush");
  } else {
    flush_memory(store, "flush");
  }
  store.tidy_modes();
}

}  // namespace varve::detail::rocks
