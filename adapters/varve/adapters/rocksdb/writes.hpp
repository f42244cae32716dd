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

/// Whether it was written: a batch may have to be written `alone`.
[[nodiscard]] inline bool write_translated(Store& store, const WriteBatch& batch,
                                           Durability durability, bool alone) {
  BatchTranslation translation(store, batch, alone);
  if (translation.needs_quiet()) return false;
  rocksdb::WriteOptions options;
  options.disableWAL = !store.options().logs();
  options.sync = durability == Durability::synced && !options.disableWAL;
  store.check_change(store.database().Write(options, &translation.translated()), "write");
  return true;
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
  bool written = false;
  {
    const auto shared = store.changes().share();
    written = write_translated(store, batch, durability, false);
  }
  if (!written) {
    const auto alone = store.changes().alone();
    static_cast<void>(write_translated(store, batch, durability, true));
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
