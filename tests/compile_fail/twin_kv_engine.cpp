// SPDX-License-Identifier: Apache-2.0
// expect-error: a KvEngine has `static constexpr BytesView name`, the short name in messages and in stored records
// expect-error: a KvEngine has write(const WriteBatch&, Durability = Durability::synced) that returns void and applies the whole batch or nothing
// expect-error: a KvEngine has open_tree(BytesView name) that returns the Tree, made where it is not there
// expect-error: a KvEngine has find_tree(BytesView name) const that returns std::optional<Tree>
// expect-error: a KvEngine has drop_tree(Tree) that returns void
// expect-error: a KvEngine has trees() const that returns std::vector<TreeInfo>
// expect-error: a KvEngine has flush() that returns void when everything written is on disk
// expect-error: a KvEngine has size_on_disk() const that returns std::uint64_t bytes
// expect-error: a KvEngine has limits() const that returns varve::Limits
// expect-error: a KvEngine that can be moved is moved without throwing
// expect-error: a KvEngine has a destructor that does not throw
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_kv_engine<Engine>());
#else
static_assert(assert_kv_engine<Nameless>());
static_assert(assert_kv_engine<WriteAnswers>());
static_assert(assert_kv_engine<OpenTreeAnswersNumber>());
static_assert(assert_kv_engine<FindTreeMutates>());
static_assert(assert_kv_engine<DropTreeAnswers>());
static_assert(assert_kv_engine<TreesOfNames>());
static_assert(assert_kv_engine<FlushAnswers>());
static_assert(assert_kv_engine<SizeIsInt>());
static_assert(assert_kv_engine<LimitsMutates>());
static_assert(assert_kv_engine<ThrowingMove>());
static_assert(assert_kv_engine<ThrowingEnd>());
#endif
