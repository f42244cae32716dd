// SPDX-License-Identifier: Apache-2.0
// expect-error: a Hasher has finish() that returns std::array<std::byte, size>
// expect-error: a Hasher has update(BytesView)
// expect-error: a Hasher is default constructible
// expect-error: a Hasher has `name` and `size`, the bytes of a digest
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_hasher<Hash>());
#else
static_assert(assert_hasher<ShortHash>());
static_assert(assert_hasher<HashWithoutUpdate>());
static_assert(assert_hasher<KeyedHash>());
static_assert(assert_hasher<NamelessHash>());
#endif
