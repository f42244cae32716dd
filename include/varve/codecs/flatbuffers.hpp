// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <flatbuffers/flatbuffers.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

namespace varve {

/// An object type of flatc, `MonsterT` for a `table Monster`: `flatc --cpp --gen-object-api`.
template <class T>
concept FlatBuffersType =
    std::derived_from<T, flatbuffers::NativeTable> && std::movable<T> &&
    std::default_initializable<T> && std::is_base_of_v<flatbuffers::Table, typename T::TableType>;

/// A table read in place, verified. Lives as long as its bytes. FlatBuffers reads numbers at
/// the places where they lie, so bytes that do not begin at a multiple of 8 are copied once.
template <class Table>
class FlatBuffersView {
 public:
  [[nodiscard]] const Table* operator->() const noexcept { return root_; }
  [[nodiscard]] const Table& operator*() const noexcept { return *root_; }

  /// Whether the bytes had to be copied.
  [[nodiscard]] bool is_copy() const noexcept { return copy_ != nullptr; }

 private:
  friend struct FlatBuffers;

  static constexpr std::size_t alignment = 8;
  // FlatBuffers' own.
  static constexpr flatbuffers::uoffset_t max_depth = 64;

  /// Null in `root_` where the bytes are no such table.
  explicit FlatBuffersView(BytesView bytes) {
    if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return;
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (reinterpret_cast<std::uintptr_t>(data) % alignment != 0) {
      copy_ = std::make_unique_for_overwrite<std::uint64_t[]>(bytes.size() / alignment + 1);
      std::memcpy(copy_.get(), bytes.data(), bytes.size());
      data = reinterpret_cast<const std::uint8_t*>(copy_.get());
    }
    // Tables may be shared; no more visits than tables that are not.
    const auto most = static_cast<flatbuffers::uoffset_t>(bytes.size() / 4 + 1);
    flatbuffers::Verifier verifier(data, bytes.size(), max_depth, most);
    if (verifier.VerifyBuffer<Table>(nullptr)) root_ = flatbuffers::GetRoot<Table>(data);
  }

  std::unique_ptr<std::uint64_t[]> copy_;
  const Table* root_ = nullptr;
};

/// FlatBuffers, which your program links (`flatbuffers::flatbuffers`), for records of the
/// object types that flatc makes. Every read runs the verifier first. Its bytes say nothing
/// of their type: give the type a `layout_name`, and change its schema as FlatBuffers allows.
///
/// What the verifier leaves open, so does this: a damaged record may hold a vector of 8-byte
/// numbers at an odd place, which is undefined in C++ and works on the machines that it was tried
/// on. Strings and vectors of numbers may be shared within a record: `decode` of hostile bytes
/// takes, at worst, memory in the square of their size; `view` takes none.
struct FlatBuffers {
  static constexpr BytesView name = "flatbuffers";

  /// Errors: `invalid_argument` for a value that the verifier would not let through, as one
  /// nested deeper than 64 levels.
  template <FlatBuffersType T>
  static void encode(const T& value, ByteSink auto& sink) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(T::TableType::Pack(builder, &value));
    const BytesView bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                          builder.GetSize());
    if (FlatBuffersView<typename T::TableType>(bytes).root_ == nullptr) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "the verifier of FlatBuffers refuses this value: it is nested deeper "
                              "than 64 levels, or lacks what its schema requires",
                   .operation = "encode",
                   .layer = "flatbuffers"});
    }
    sink.append(bytes);
  }

  template <FlatBuffersType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    T value;
    view<T>(bytes)->UnPackTo(&value);
    return value;
  }

  /// A `FlatBuffersView` of the table.
  template <FlatBuffersType T>
  [[nodiscard]] static FlatBuffersView<typename T::TableType> view(BytesView bytes) {
    FlatBuffersView<typename T::TableType> seen(bytes);
    if (seen.root_ != nullptr) return seen;
    throw Error(ErrorKind::corruption,
                {.message = "the verifier of FlatBuffers refuses the record: it was written with "
                            "another schema, or is damaged",
                 .operation = "decode",
                 .layer = "flatbuffers"});
  }

  /// Whether the bytes are those that `encode` writes: many spell the same value.
  template <FlatBuffersType T>
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
  template <FlatBuffersType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return layout_name<T>;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others:
  /// its first table begins at a multiple of 4.
  template <FlatBuffersType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte % 4 == 0;
  }
};
}  // namespace varve
