// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/cereal/archives.hpp>
#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <cereal/cereal.hpp>

#include <concepts>
#include <string>

namespace varve {

/// A type that cereal reads and writes.
template <class T>
concept CerealType =
    std::default_initializable<T> && std::movable<T> &&
    cereal::traits::is_output_serializable<T, detail::cereal_archives::Writer>::value &&
    cereal::traits::is_input_serializable<T, detail::cereal_archives::Reader>::value;

/// cereal, which your program links (`cereal::cereal`): the bytes of its portable binary archive on
/// a little-endian machine, read with bounds, which cereal's own archives have not. Its bytes say
/// nothing of their type: give the type a `layout_name`, and change it with the type.
///
/// Not for polymorphic types, whose names cereal binds to its own archives. A vector of hostile
/// size takes at most as many elements as there are bytes.
struct Cereal {
  static constexpr BytesView name = "cereal";

  /// Errors: `invalid_argument` for what cereal refuses, or nests deeper than 500 of its calls.
  template <CerealType T>
  static void encode(const T& value, ByteSink auto& sink) {
    std::string bytes;
    try {
      detail::cereal_archives::Writer writer(bytes);
      writer(value);
    } catch (const cereal::Exception& error) {
      refuse(ErrorKind::invalid_argument, "encode",
             "the value cannot be written by cereal: ", error.what());
    }
    sink.append(BytesView(bytes));
  }

  template <CerealType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    T value;
    try {
      detail::cereal_archives::Reader reader(bytes);
      reader(value);
      if (reader.left() != 0) throw cereal::Exception("something follows it");
    } catch (const cereal::Exception& error) {
      refuse(ErrorKind::corruption, "decode",
             "the record is none of this type by cereal: ", error.what());
    }
    return value;
  }

  /// Whether the bytes are those that `encode` writes: the elements of a set may have another
  /// order.
  template <CerealType T>
  [[nodiscard]] static bool is_current(BytesView bytes) {
    try {
      std::string own;
      encode(decode<T>(bytes), own);
      return own == bytes;
    } catch (const Error&) {
      return false;
    }
  }

  /// The `layout_name` of the type, if it has one.
  template <CerealType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return layout_name<T>;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <CerealType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte == detail::cereal_archives::little_endian;
  }

 private:
  [[noreturn]] static void refuse(ErrorKind kind, const char* operation, const char* what,
                                  const char* why) {
    throw Error(kind,
                {.message = std::string(what) + why, .operation = operation, .layer = "cereal"});
  }
};

}  // namespace varve
