// SPDX-License-Identifier: Apache-2.0
// expect-error: a layer forwards a group or blocks it, not both
// expect-error: a layer cannot block reads, scans, writes, trees or maintenance: every KvEngine has them
// expect-error: a layer derives from varve::Layer<Next, Forwards<...>, Blocks<...>>
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
using Both = Blocks<Group::snapshots>;
using Required = Blocks<Group::tail>;
using Whole = ForwardsAll<Engine>;
#else
using Both = Blocks<Group::scans>;
using Required = Blocks<Group::reads>;
using Whole = Engine;
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

static_assert(assert_layer<Whole>());
