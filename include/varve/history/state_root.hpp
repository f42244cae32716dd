// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

namespace varve {

/// What commits to every record of a height: `merkle::verify` holds proofs against it.
using StateRoot = merkle::Digest;

}  // namespace varve
