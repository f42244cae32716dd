// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger_format.hpp>
#include <varve/migrations/ledger_reader.hpp>
#include <varve/migrations/ledger_records.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace varve {

/// The records of a schema in the reserved tree `varve.ledger`, beside the data
/// and changed in the same batches: docs/formats/ledger.md. For the layer that
/// migrates and for tools.
template <KvEngine E>
class Ledger : public LedgerReader<E> {
 public:
  explicit Ledger(E& engine) : LedgerReader<E>(engine), engine_(&engine) {}

  /// Makes the ledger's tree where it is not there.
  void create() {
    if (!this->own_tree()) this->set_own_tree(engine_->open_tree(detail::ledger_tree));
  }

  void put(WriteBatch& batch, const LedgerHead& head) const {
    put_record(batch, detail::ledger_head_key, head);
  }
  void put(WriteBatch& batch, const LedgerRun& run) const {
    put_record(batch, detail::ledger_run_key, run);
  }
  void put(WriteBatch& batch, std::uint64_t number, const LedgerStep& step) const {
    put_record(batch, detail::numbered_key(detail::ledger_step_prefix, number), step);
  }
  void put(WriteBatch& batch, BytesView tree_name, const LedgerTree& tree) const {
    put_record(batch, std::string(detail::ledger_tree_prefix).append(tree_name), tree);
  }
  void put(WriteBatch& batch, std::uint64_t number, const LedgerRefusal& refusal) const {
    put_record(batch, detail::numbered_key(detail::ledger_refusal_prefix, number), refusal);
  }
  void put(WriteBatch& batch, const LedgerScrub& scrub) const {
    put_record(batch, detail::ledger_scrub_key, scrub);
  }
  /// From this height on, and not what was noted of heights above.
  void put(WriteBatch& batch, std::uint64_t height, const LedgerHeight& record) const {
    const std::string key = detail::numbered_key(detail::ledger_height_prefix, height);
    batch.erase_range(
        *this->own_tree(),
        KeyRange::between(key, this->end_of_heights(std::numeric_limits<std::uint64_t>::max())));
    put_record(batch, key, record);
  }

  void erase_refusal(WriteBatch& batch, std::uint64_t number) const {
    batch.erase(*this->own_tree(), detail::numbered_key(detail::ledger_refusal_prefix, number));
  }
  void erase_steps(WriteBatch& batch) const {
    batch.erase_range(*this->own_tree(), KeyRange::prefix(detail::ledger_step_prefix));
  }
  void erase_scrub(WriteBatch& batch) const {
    batch.erase(*this->own_tree(), detail::ledger_scrub_key);
  }
  void erase_run(WriteBatch& batch) const {
    batch.erase(*this->own_tree(), detail::ledger_run_key);
  }
  void erase_tree(WriteBatch& batch, BytesView tree_name) const {
    batch.erase(*this->own_tree(), std::string(detail::ledger_tree_prefix).append(tree_name));
  }

 private:
  template <class Record>
  void put_record(WriteBatch& batch, BytesView key, const Record& record) const {
    batch.put(*this->own_tree(), key, detail::ledger_bytes(key, record));
  }

  E* engine_;
};

}  // namespace varve
