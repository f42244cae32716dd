// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace varve {

/// The version of these headers, by https://semver.org: before 1.0 a minor version may change what
/// the one before it promised.
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace varve
