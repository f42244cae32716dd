// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/suite.hpp>
#include <varve/merkle/suites/blake3.hpp>
#include <varve/merkle/suites/raw_keys.hpp>
#include <varve/merkle/suites/sha256.hpp>

namespace varve::merkle {

static_assert(Suite<Blake3> && Suite<Ics23Sha256> && Suite<JmtSha256> && Suite<RawKeys>);

}  // namespace varve::merkle
