// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/metered.hpp>

namespace catalogue {

// [store]
/// The stack on which the catalogue stands. This is the one line to change: nothing else in the
/// program names an engine but the comparison at its end.
using Store = varve::Metered<varve::RocksAdapter>;
// [/store]

}  // namespace catalogue
