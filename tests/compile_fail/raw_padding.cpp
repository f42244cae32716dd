// SPDX-License-Identifier: Apache-2.0
// expect-error: and has no padding: add members where it has, and zero them
// expect-error: say that the bytes of this type in memory are a format
#include <varve/codecs/raw.hpp>

#include <cstdint>

using namespace varve;

struct Reading {
  std::uint64_t time;
  std::uint32_t sensor;
#ifdef CONTROL
  std::uint32_t zero;
#endif
};

#ifdef CONTROL
template <>
inline constexpr BytesView varve::layout_name<Reading> = "reading";
#endif

static_assert(assert_raw_type<Reading>());

int main() {}
