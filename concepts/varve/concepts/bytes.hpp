// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace varve {

/// A byte string. Ordered as unsigned bytes, a proper prefix before what it is a prefix of; that is
/// the order of keys in every engine. A view owns nothing: what keeps the bytes alive is said
/// wherever one is handed out.
using BytesView = std::string_view;

}  // namespace varve
