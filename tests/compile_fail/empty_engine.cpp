// SPDX-License-Identifier: Apache-2.0
// expect-error: a KvEngine has write(const WriteBatch&, Durability = Durability::synced)
// expect-error: a KvEngine has limits() const that returns varve::Limits
#include <varve/concepts/kv_engine.hpp>
#include <varve/testing/minimal_engine.hpp>

struct NoEngine {};

#ifdef CONTROL
static_assert(varve::assert_kv_engine<varve::testing::MinimalEngine>());
#else
static_assert(varve::assert_kv_engine<NoEngine>());
#endif
