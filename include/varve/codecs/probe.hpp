// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <concepts>

namespace varve {

/// Tells records that carry no tag by their first byte, from `first` to `last`: a JSON object is
/// `FirstByte<'{'>`. That no tag is such a byte is checked when the program is compiled.
template <unsigned char first, unsigned char last = first>
struct FirstByte {
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return first <= byte && byte <= last;
  }
};

/// Whether a record that has no tag may begin with a byte: known when the program is compiled.
template <class P>
concept FirstByteProbe = requires {
  { P::may_begin_with(static_cast<unsigned char>(0)) } -> std::same_as<bool>;
};

/// Looks at the whole record: `P::recognises(bytes)` is true for each that has no tag, and for no
/// other. A codec refuses to write a record that its probe would take for an untagged one.
template <class P>
concept WholeProbe = requires(BytesView bytes) {
  { P::recognises(bytes) } -> std::same_as<bool>;
};

namespace detail {

/// Stands for what the codec itself says about the bytes that its records begin with.
struct OwnProbe {};

template <class C, class T>
concept SaysHowItBegins = requires {
  { C::template may_begin_with<T>(static_cast<unsigned char>(0)) } -> std::same_as<bool>;
};

/// How the records of `T` that `C` wrote, and that have no tag, are told from those that have one.
template <class C, class T, class Probe>
struct UntaggedRecords {
  static_assert(
      FirstByteProbe<Probe> || WholeProbe<Probe>,
      "a probe has static may_begin_with(unsigned char), or static recognises(BytesView)");
  static constexpr bool by_first_byte = FirstByteProbe<Probe>;

  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    if constexpr (by_first_byte) return Probe::may_begin_with(byte);
    return true;
  }

  [[nodiscard]] static bool recognises(BytesView bytes) {
    if constexpr (by_first_byte) {
      return bytes.empty() || Probe::may_begin_with(static_cast<unsigned char>(bytes.front()));
    } else {
      return Probe::recognises(bytes);
    }
  }
};

template <class C, class T>
struct UntaggedRecords<C, T, OwnProbe> {
  static_assert(SaysHowItBegins<C, T>,
                "the codec of the untagged records does not say which bytes they may begin with: "
                "name a probe, as in Untagged<V, FirstByte<'{'>>");
  static constexpr bool by_first_byte = true;

  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    if constexpr (SaysHowItBegins<C, T>) return C::template may_begin_with<T>(byte);
    return false;
  }

  [[nodiscard]] static bool recognises(BytesView bytes) {
    return bytes.empty() || may_begin_with(static_cast<unsigned char>(bytes.front()));
  }
};

}  // namespace detail

}  // namespace varve
