// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

namespace varve {

/// A message of protoc.
template <class T>
concept ProtobufType = std::derived_from<T, google::protobuf::MessageLite> && std::copyable<T> &&
                       std::default_initializable<T>;

/// Protocol Buffers, which your program links (`protobuf::libprotobuf`). Maps are written in the
/// order of their keys; any spelling is read, and fields that the program does not know are kept.
struct Protobuf {
  static constexpr BytesView name = "protobuf";

  /// What is written is parsed again at once, since Protocol Buffers write what they do not read:
  /// strings that are no UTF-8, messages nested deeper than 100 levels.
  ///
  /// Errors: `invalid_argument` for those, and for a message that lacks a required field.
  template <ProtobufType T>
  static void encode(const T& value, ByteSink auto& sink) {
    if (!value.IsInitialized()) {
      refuse(ErrorKind::invalid_argument, "encode",
             "the message lacks a required field: " + value.InitializationErrorString());
    }
    if (value.ByteSizeLong() > max_size) {
      refuse(ErrorKind::invalid_argument, "encode", "the message is larger than 2 GiB");
    }
    std::string bytes;
    {
      google::protobuf::io::StringOutputStream stream(&bytes);
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      value.SerializePartialToCodedStream(&coded);
    }
    if (!parsed(bytes, T())) {
      refuse(ErrorKind::invalid_argument, "encode",
             "the message could not be read again: a string is no UTF-8, or it is nested deeper "
             "than 100 levels");
    }
    sink.append(BytesView(bytes));
  }

  template <ProtobufType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    T value;
    if (!parsed(bytes, value)) {
      refuse(ErrorKind::corruption, "decode",
             "the record is no message " + value.GetTypeName() +
                 ": it was written with another type, or is damaged");
    }
    return value;
  }

  /// Whether the bytes are those that `encode` writes: many spell the same value.
  template <ProtobufType T>
  [[nodiscard]] static bool is_current(BytesView bytes) {
    try {
      std::string own;
      encode(decode<T>(bytes), own);
      return own == bytes;
    } catch (const Error&) {
      return false;
    }
  }

  /// The full name of the message: its fields are told by their numbers.
  template <ProtobufType T>
  [[nodiscard]] static BytesView identity() {
    static const std::string text(T().GetTypeName());
    return text;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others: those of
  /// a field's number, which is not 0, and of its wire type.
  template <ProtobufType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    const unsigned wire_type = byte & 7U;
    return byte >= 8 && wire_type != 4 && wire_type != 6 && wire_type != 7;
  }

 private:
  static constexpr std::size_t max_size = std::numeric_limits<int>::max();

  template <class T>
  static bool parsed(BytesView bytes, T&& value) {
    return bytes.size() <= max_size &&
           value.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
           value.IsInitialized();
  }

  [[noreturn]] static void refuse(ErrorKind kind, const char* operation, std::string message) {
    throw Error(kind, {.message = std::move(message), .operation = operation, .layer = "protobuf"});
  }
};

}  // namespace varve
