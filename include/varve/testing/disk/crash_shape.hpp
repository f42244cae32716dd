// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve::testing {

/// What a crash leaves of what was not synced. The same shape and seed on the same disk give the
/// same bytes.
struct CrashShape {
  enum class Entries : std::uint8_t { none, all, first_ones, some };
  enum class Data : std::uint8_t { none, all, first_ones, all_but_one, some };
  /// What stands where a piece was not written: what was there before, zeros, or anything.
  enum class Hole : std::uint8_t { old, zeros, garbage, any };
  enum class Size : std::uint8_t { old, grown, any };

  Entries entries = Entries::none;  ///< created, renamed and removed names
  Data data = Data::none;           ///< of the writes and their pieces, those that are there
  std::uint32_t piece_bytes = 0;    ///< a write may be there in part, in pieces so long; 0: whole
  Hole hole = Hole::old;
  Size size = Size::old;  ///< of the files
  std::uint64_t seed = 0;
};

namespace detail {

/// The shapes that go wrong for a reason of their own; those beyond are drawn from the seed.
inline constexpr CrashShape crash_shapes[] = {
    {CrashShape::Entries::none, CrashShape::Data::none, 0, CrashShape::Hole::old,
     CrashShape::Size::old},
    {CrashShape::Entries::all, CrashShape::Data::all, 0, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::none, 0, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::none, 8, CrashShape::Hole::garbage,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::none, 0, CrashShape::Hole::old,
     CrashShape::Size::old},
    {CrashShape::Entries::none, CrashShape::Data::all, 0, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::first_ones, 8, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::some, 8, CrashShape::Hole::any,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::some, 512, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::all, CrashShape::Data::some, 4096, CrashShape::Hole::zeros,
     CrashShape::Size::any},
    {CrashShape::Entries::all, CrashShape::Data::all_but_one, 0, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::some, CrashShape::Data::all, 0, CrashShape::Hole::old,
     CrashShape::Size::grown},
    {CrashShape::Entries::first_ones, CrashShape::Data::first_ones, 512, CrashShape::Hole::zeros,
     CrashShape::Size::any},
};

}  // namespace detail

/// The shape number `variant` at one place of a run: first those of the list above, then ever more
/// at random.
[[nodiscard]] constexpr CrashShape crash_shape(std::size_t variant, std::uint64_t seed) noexcept {
  CrashShape shape;
  if (variant < sizeof detail::crash_shapes / sizeof(CrashShape)) {
    shape = detail::crash_shapes[variant];
  } else {
    const std::uint64_t bits = seed * 0x9e3779b97f4a7c15U;
    constexpr std::uint32_t pieces[] = {0, 8, 8, 512, 4096, 8, 512, 0};
    shape.entries = static_cast<CrashShape::Entries>((bits >> 60U) % 4);
    shape.data = static_cast<CrashShape::Data>((bits >> 52U) % 5);
    shape.piece_bytes = pieces[(bits >> 48U) % 8];
    shape.hole = static_cast<CrashShape::Hole>((bits >> 44U) % 4);
    shape.size = static_cast<CrashShape::Size>((bits >> 40U) % 3);
  }
  shape.seed = seed;
  return shape;
}

}  // namespace varve::testing
