// SPDX-License-Identifier: Apache-2.0
// expect-error: the layer neither forwards nor blocks the group 'reads', so it must define get, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'reads', so it must define contains, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'reads', so it must define multi_get, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'scans', so it must define scan, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'scans', so it must define approximate_count, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'snapshots', so it must define snapshot, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'writes', so it must define write, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'writes', so it must define write_and_drop, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'bulk', so it must define bulk_loader, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'transactions', so it must define begin_transaction, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'trees', so it must define open_tree, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'trees', so it must define find_tree, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'trees', so it must define drop_tree, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'trees', so it must define trees, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'maintenance', so it must define flush, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'maintenance', so it must define size_on_disk, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'maintenance', so it must define limits, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'maintenance', so it must define compact, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'checkpoints', so it must define checkpoint, which the layer below has
// expect-error: the layer neither forwards nor blocks the group 'tail', so it must define last_sequence and tail, which the layer below has
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_layer<ForwardsAll<Everything>>());
#else
static_assert(assert_layer<AccountsForNothing<Everything>>());
#endif
