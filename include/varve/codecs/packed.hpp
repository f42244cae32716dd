// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fingerprint.hpp>
#include <varve/codecs/packed/assert_packed.hpp>
#include <varve/codecs/packed/choices.hpp>
#include <varve/codecs/packed/lists.hpp>
#include <varve/codecs/packed/scalars.hpp>
#include <varve/codecs/packed/sorted.hpp>
#include <varve/codecs/packed/structs.hpp>
#include <varve/concepts/codec.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

namespace varve {

/// What can be packed: numbers, bool, enums, durations and time points, `std::string`,
/// `std::array`, `std::vector`, sets and maps with one of each key, `std::optional`,
/// `std::variant`, pairs, tuples, and structs of at most 32 of these, without base classes.
template <class T>
concept PackedType = detail::packed::Packable<T>;

/// The codec of plain structs, which need nothing added to them. The format is little-endian, says
/// nothing of the type, has one spelling for each value, and is stable for ever:
/// docs/formats/packed.md.
///
/// Reading takes any bytes: they are checked once, from end to end, before anything is allocated;
/// what a value needs is bounded by the bytes there are, and the depth by the type.
struct Packed {
  static constexpr BytesView name = "packed";

  /// Errors: `invalid_argument`, with nothing appended, for a variant that is valueless and for a
  /// part that ends beyond 4 GiB.
  template <PackedType T, ByteSink Sink>
  static void encode(const T& value, Sink& sink) {
    const std::size_t size = detail::packed::size_of(value);
    if constexpr (std::same_as<Sink, std::string>) {
      const std::size_t before = sink.size();
      sink.resize(before + size);
      detail::packed::Wire<T>::put(value, sink.data() + before);
    } else {
      std::string bytes(size, '\0');
      detail::packed::Wire<T>::put(value, bytes.data());
      sink.append(BytesView(bytes));
    }
  }

  /// Errors: `corruption` for bytes that are no value of this type.
  template <PackedType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    detail::packed::check_piece<T>(bytes);
    return detail::packed::take_piece<T>(bytes);
  }

  /// The value in place: of a struct a `PackedView`, of a string a `BytesView`, of a list a
  /// `PackedSequence`. Nothing is copied or allocated; valid as long as `bytes`.
  ///
  /// Errors: `corruption` for bytes that are no value of this type.
  template <PackedType T>
  [[nodiscard]] static auto view(BytesView bytes) {
    detail::packed::check_piece<T>(bytes);
    return detail::packed::view_piece<T>(bytes);
  }

  /// The type in words that do not depend on compiler or machine, such as
  /// "{id:[32]u8,height:u64,payload:bytes}".
  template <PackedType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return detail::packed::description<detail::packed::Wire<T>>.view();
  }

  /// The number that stands for `identity`.
  template <PackedType T>
  [[nodiscard]] static consteval Fingerprint fingerprint() noexcept {
    return Fingerprint::of(identity<T>());
  }

  // What cannot be packed is refused with the reason, and is no `CodecFor`.
  template <class T, ByteSink Sink>
    requires(!PackedType<T>)
  static void encode(const T&, Sink&) {
    [[maybe_unused]] constexpr bool refused = detail::packed::say_why<T>();
  }
  template <class T>
    requires(!PackedType<T>)
  static void decode(BytesView) {
    [[maybe_unused]] constexpr bool refused = detail::packed::say_why<T>();
  }
};

namespace detail::packed {

// Both as texts: that is how every compiler prints them as they are written.
template <class T, FixedText pinned, FixedText compiled>
consteval bool layout_is() {
  static_assert(pinned == compiled,
                "the stored layout of the type changed: raise its version; the right-hand side is "
                "the literal to pin for the new one");
  return true;
}

}  // namespace detail::packed

/// True where `fingerprint` is that of `T` as `Packed` writes it; else a compile error that prints
/// the literal of what `T` is now. Written beside a type that is stored, it keeps a change of the
/// layout from going unseen:
///
///     static_assert(varve::pinned_layout<Vertex, 0x0123456789abcdef>);
template <PackedType T, std::uint64_t fingerprint>
inline constexpr bool pinned_layout =
    detail::packed::layout_is<T, detail::literal_of(Fingerprint{fingerprint}),
                              detail::literal_of(Packed::fingerprint<T>())>();

}  // namespace varve
