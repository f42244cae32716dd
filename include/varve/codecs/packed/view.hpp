// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/packed/record.hpp>
#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <type_traits>

namespace varve {

/// A packed struct, tuple or pair, read in place. Two words; it owns nothing, and is valid as long
/// as the bytes that it was made from. Safe to read from several threads.
///
/// What is read is: of numbers, bools, enums, times and arrays of them the value; of a string a
/// `BytesView`; of a struct, a tuple or a pair a `PackedView`; of a list a `PackedSequence`; of a
/// set a `PackedSet`; of a map a `PackedMap`; of an optional or a variant one of such.
template <class T>
class PackedView {
 public:
  using Decoded = T;

  /// For codecs: of bytes that were checked.
  explicit PackedView(BytesView bytes) noexcept : bytes_(bytes) {}

  /// One part: `view.get<&Vertex::payload>()` of a struct, `view.get<0>()` of any.
  template <auto part>
  [[nodiscard]] auto get() const {
    return Layout::template view<place<part>()>(bytes_);
  }

  /// The whole object.
  [[nodiscard]] T decode() const { return detail::packed::take_piece<T>(bytes_); }

  /// The object as it is written.
  [[nodiscard]] BytesView bytes() const noexcept { return bytes_; }

 private:
  using Layout = detail::packed::record_t<T>;

  template <auto part>
  static consteval std::size_t place() {
    if constexpr (std::is_member_object_pointer_v<decltype(part)>) {
      static_assert(std::is_same_v<detail::member_owner_t<part>, T>,
                    "get<&X::member> is asked of a view of another struct than X");
      return detail::member_index<part>;
    } else {
      static_assert(std::size_t{part} < Layout::count, "get<i> is asked for a part that is not");
      return std::size_t{part};
    }
  }

  BytesView bytes_;
};

}  // namespace varve
