// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/write_changes.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve {

namespace detail::tables {
struct BatchAccess;
}

/// Changes of records of many tables of one store, written as one atomic batch.
///
///   varve::TableBatch batch(store);
///   vertices.put(batch, v);
///   edges.put(batch, e);
///   batch.write();
///
/// It knows its records and not yet what they replace: `write` finds that, under locks on their
/// keys, so that another writer between `put` and `write` does no harm. Of several changes of one
/// record the last one counts. Unique indexes are judged by the state after the whole batch: two
/// records may change places. It is not a transaction: it does not notice that a record which you
/// have read was changed by another writer, and a table does not show what is in a batch that is
/// not written, to the thread that fills it neither.
///
/// Belongs to one thread at a time. The store must outlive it; the tables and queues need not.
template <KvEngine Engine>
class TableBatch {
 public:
  explicit TableBatch(Engine& engine) noexcept : engine_(&engine) {}

  /// Writes that are no records, done in the same batch after them. Trees of tables with indexes
  /// are not to be touched here.
  [[nodiscard]] WriteBatch& raw() noexcept { return raw_; }

  /// Writes all changes or none, and keeps them: `clear` forgets them. Written again, what was
  /// pushed to queues is pushed again.
  /// Errors: `UniqueViolation`; those of the engine; those that a codec or a function of an index
  /// throws. Then nothing was written, unless the engine says `indeterminate`.
  void write(Durability durability = Durability::synced) {
    write_with([&](const WriteBatch& batch) { engine_->write(batch, durability); });
  }

  /// The same, where something else writes the batch: `write` is called with it, while the records
  /// are locked, and has written it to this store when it returns.
  template <class Write>
  void write_with(Write&& write) {
    detail::tables::BorrowedScratch scratch;
    detail::tables::ChangeWriter(*engine_, changes_, *scratch)
        .run(engine_, raw_, std::forward<Write>(write), pushes_);
  }

  /// The number of changes of records, those that a later one of the same record takes back too,
  /// and of pushes.
  [[nodiscard]] std::size_t count() const noexcept { return changes_.size() + pushes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return count() == 0 && raw_.empty(); }

  void clear() noexcept {
    changes_.clear();
    pushes_.clear();
    raw_.clear();
  }

 private:
  friend struct detail::tables::BatchAccess;

  Engine* engine_;
  detail::tables::Changes changes_;
  std::vector<detail::tables::Push> pushes_;
  WriteBatch raw_;
};

namespace detail::tables {

/// How tables come by the changes of a batch.
struct BatchAccess {
  template <class Engine>
  static Changes& changes(TableBatch<Engine>& batch, const Engine& engine,
                          const std::shared_ptr<const TableCore>& table) {
    check_store(batch, engine, table->name);
    batch.changes_.keep(table);
    return batch.changes_;
  }

  template <class Engine>
  static void push(TableBatch<Engine>& batch, const Engine& engine, BytesView queue, Push push) {
    check_store(batch, engine, queue);
    batch.pushes_.push_back(std::move(push));
  }

 private:
  template <class Engine>
  static void check_store(const TableBatch<Engine>& batch, const Engine& engine, BytesView table) {
    if (batch.engine_ == &engine) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = "the batch is of another store than the table: a batch is atomic "
                            "within one store",
                 .operation = "put",
                 .tree = std::string(table),
                 .layer = "table"});
  }
};

}  // namespace detail::tables

}  // namespace varve
