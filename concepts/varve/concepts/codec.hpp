// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace varve {

/// Where a codec puts bytes: `std::string` is one.
template <class S>
concept ByteSink = requires(S& sink, BytesView bytes) { sink.append(bytes); };

/// A stateless type that turns values into bytes and back, with a name that is stored beside what
/// it wrote and checked when that is read. docs/concepts/codec.md.
template <class C>
concept Codec = std::is_empty_v<C> && std::default_initializable<C> && requires {
  { C::name } -> std::convertible_to<BytesView>;
};

/// `C` encodes and decodes `T`.
///
/// Expression              Semantics
/// C::encode(value, sink)  appends the bytes of `value`; the same value gives the same bytes
/// C::template decode<T>(bytes)   the value; throws `corruption` for bytes that are no encoding,
///                         whatever they are, within bounded memory and depth
/// C::template identity<T>()      names the layout, stored and compared
template <class C, class T>
concept CodecFor = Codec<C> && requires(const T& value, std::string& sink, BytesView bytes) {
  C::encode(value, sink);
  { C::template decode<T>(bytes) } -> std::same_as<T>;
  { C::template identity<T>() } -> std::convertible_to<BytesView>;
};

/// Besides, `C::template view<T>(bytes)` reads fields in place, after one validation.
template <class C, class T>
concept ViewCodecFor = CodecFor<C, T> && requires(BytesView bytes) { C::template view<T>(bytes); };

/// Besides, the order of the bytes is the order of the values.
template <class C, class T>
concept KeyCodecFor =
    CodecFor<C, T> && std::totally_ordered<T> && requires { requires bool(C::ordered); };

/// Besides, reads bytes that it would not write, such as those of an older version:
/// `C::template is_current<T>(bytes)` is false for them, and never throws `corruption`.
template <class C, class T>
concept LenientCodecFor = CodecFor<C, T> && requires(BytesView bytes) {
  { C::template is_current<T>(bytes) } -> std::same_as<bool>;
};

/// Besides, reads records that were stored under another name or identity than its own:
/// `C::template check_stored<T>(name, identity)` throws, with a sentence, where it does not.
template <class C, class T>
concept EvolvingCodecFor = LenientCodecFor<C, T> && requires(BytesView name, BytesView identity) {
  C::template check_stored<T>(name, identity);
};

/// The loud twin of `CodecFor`.
template <class C, class T>
consteval bool assert_codec_for() {
  static_assert(std::is_empty_v<C> && std::default_initializable<C>,
                "a Codec is a stateless type: no members, default constructible");
  static_assert(Codec<C>, "a Codec has `static constexpr BytesView name`");
  static_assert(
      requires(const T& value, std::string& sink) { C::encode(value, sink); },
      "a CodecFor<T> has static encode(const T&, sink) that appends to the sink");
  static_assert(
      requires(BytesView bytes) {
        { C::template decode<T>(bytes) } -> std::same_as<T>;
      }, "a CodecFor<T> has static decode<T>(BytesView) that returns T");
  static_assert(
      requires {
        { C::template identity<T>() } -> std::convertible_to<BytesView>;
      }, "a CodecFor<T> has static identity<T>() that names the layout");
  return CodecFor<C, T>;
}

}  // namespace varve
