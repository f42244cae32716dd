// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/metered.hpp>
#include <varve/layers/wal.hpp>

namespace catalogue {

// [store]
/// What the catalogue stands on: an engine under a log. This is the one line to change; nothing
/// else in the program names an engine but the comparison at its end.
using Durable = varve::Wal<varve::RocksAdapter>;

/// The whole stack, with a cache and counters on top.
using Store = varve::Metered<varve::Cached<Durable>>;
// [/store]

}  // namespace catalogue
