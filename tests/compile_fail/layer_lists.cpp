// SPDX-License-Identifier: Apache-2.0
// expect-error: a layer forwards a group or blocks it, not both
// expect-error: a layer cannot block reads, scans, writes, trees or maintenance: every KvEngine has them
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
using Both = Blocks<Group::snapshots>;
using Required = Blocks<Group::tail>;
#else
using Both = Blocks<Group::scans>;
using Required = Blocks<Group::reads>;
#endif

template <class Forwarded, class Blocked>
struct Lists : Layer<Engine, Forwarded, Blocked> {
  static constexpr BytesView name = "lists";
};

static_assert(
    assert_layer<
        Lists<Forwards<Group::reads, Group::scans, Group::writes, Group::trees, Group::maintenance>,
              Both>>() &&
    assert_layer<
        Lists<Forwards<Group::reads, Group::scans, Group::writes, Group::trees, Group::maintenance>,
              Required>>());
