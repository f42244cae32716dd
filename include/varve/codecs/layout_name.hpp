// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

namespace varve {

/// A name for the layout of `T`, one line, which goes into the identity that codecs store which
/// cannot look into `T`. Change it whenever the layout changes:
///
///     template <>
///     inline constexpr varve::BytesView varve::layout_name<Point> = "point x f64, y f64";
template <class T>
inline constexpr BytesView layout_name{};

}  // namespace varve
