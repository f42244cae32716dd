// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_meter.hpp>

#include <cstdint>
#include <string>

namespace varve::detail {

/// Puts into the batch that the steps of the chain between two versions are done, all at this
/// moment and without a run; `first` is the number of the first of them in the ledger. A `baseline`
/// is taken for granted: nobody here took the steps.
template <class Chain, KvEngine E>
void put_steps(const Ledger<E>& ledger, WriteBatch& batch, std::uint64_t first, std::uint32_t from,
               std::uint32_t to, bool baseline, const std::string& backup = {}) {
  const std::int64_t now = seconds_since_1970();
  for (const StepFacts& step : steps_of<Chain>()) {
    if (step.from < from || step.to > to) continue;
    ledger.put(batch, first++,
               LedgerStep{.from = step.from,
                          .to = step.to,
                          .identity = step.identity,
                          .lossy = step.loss.lossy,
                          .baseline = baseline,
                          .started = now,
                          .finished = now,
                          .backup = backup});
  }
}

}  // namespace varve::detail
