// SPDX-License-Identifier: Apache-2.0
// The bytes of a batch.
#include <varve/concepts/write_batch.hpp>
#include <varve/layers/wal/entries.hpp>

#include "fuzz/fuzz.hpp"

void fuzz(varve::BytesView input) {
  const varve::WriteBatch batch = varve::WriteBatch::from_bytes(input);
  varve::WriteBatch again;
  for (const varve::WriteOp op : batch) varve::detail::append_op(again, op);
  varve_test::expect(again.bytes() == input, "a batch has one spelling");
  varve_test::expect(again.count() == batch.count(), "operations are counted");
}
