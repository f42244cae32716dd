// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/migrations/run_batches.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace varve::detail {

/// Code of one's own, batch after batch.
template <class A>
struct CustomPass {
  static constexpr BytesView name = A::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t) noexcept { return false; }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    while (true) {
      WriteBatch batch;
      const std::string cursor = batches.run().cursor;
      const std::optional<std::string> reached = A::run(batches.engine(), cursor, batch);
      forget_digests(batches, batch);
      if (!reached) {
        batches.pending().append(batch);
        return batches.end_pass();
      }
      if (*reached == cursor) refuse_standing_still();
      batches.reach(*reached, std::move(batch));
      batches.meter().did(A::tree, 0, false);
    }
  }

  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t) {
    batches.end_pass();
  }

 private:
  [[noreturn]] static void refuse_standing_still() {
    throw Error(ErrorKind::invalid_argument,
                {.message = "the code of the step answers the cursor that it "
                            "was given, and would "
                            "never come to an end: it answers a new one, or "
                            "nothing when it is "
                            "done",
                 .operation = "migrate",
                 .tree = std::string(A::tree),
                 .layer = "migrated"});
  }

  /// What others than the run write of a tree is not in its count.
  template <KvEngine E>
  static void forget_digests(RunBatches<E>& batches, const WriteBatch& batch) {
    if (batches.run().digests.empty() || batch.empty()) return;
    for (const TreeInfo& info : batches.engine().trees()) {
      const auto touches = [&](const WriteOp& op) { return op.tree == info.tree; };
      if (std::any_of(batch.begin(), batch.end(), touches)) batches.forget_digest(info.name);
    }
  }
};

}  // namespace varve::detail
