// SPDX-License-Identifier: Apache-2.0
// expect-error: a KvReader has get(Tree, BytesView) const that returns std::optional of a movable type with `BytesView view() const noexcept`
// expect-error: a KvReader has contains(Tree, BytesView) const that returns bool
// expect-error: a KvReader has scan(Tree, KeyRange, Order = Order::ascending) const that returns a varve::Scan
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_kv_reader<Reader>());
#else
static_assert(assert_kv_reader<GetCopies>());
static_assert(assert_kv_reader<ContainsCounts>());
static_assert(assert_kv_reader<ScanWithoutDefault>());
#endif
