// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cereal/cereal.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

// Archives for cereal that write what its portable binary archive writes on a little-endian
// machine, and that trust nothing they read.
namespace varve::detail::cereal_archives {

static_assert(std::endian::native == std::endian::little,
              "the codec Cereal is for little-endian machines: take Packed");

inline constexpr char little_endian = 1;
inline constexpr std::size_t max_depth = 500;

/// A number of cereal's: `bool` is one byte.
template <class T>
concept Number = std::is_arithmetic_v<T> && sizeof(T) <= 8;

class Writer : public cereal::OutputArchive<Writer, cereal::AllowEmptyClassElision> {
 public:
  explicit Writer(std::string& bytes) : OutputArchive(this), bytes_(bytes) {
    bytes_ += little_endian;
  }

  void put(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }

  std::size_t depth = 0;

 private:
  std::string& bytes_;
};

class Reader : public cereal::InputArchive<Reader, cereal::AllowEmptyClassElision> {
 public:
  explicit Reader(BytesView bytes) : InputArchive(this), left_(bytes) {
    char order = 0;
    take(&order, 1);
    if (order != little_endian) {
      throw cereal::Exception("it does not begin as a little-endian archive");
    }
  }

  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

  void take(void* to, std::size_t size) {
    if (size > left_.size()) throw cereal::Exception("it ends too soon");
    if (size != 0) std::memcpy(to, left_.data(), size);
    left_.remove_prefix(size);
  }

  std::size_t depth = 0;

 private:
  BytesView left_;
};

// Found by cereal beside the archives.

template <class Archive>
void descend(Archive& archive) {
  if (++archive.depth > max_depth) throw cereal::Exception("it is nested too deep");
}

template <class T>
void prologue(Writer& archive, const T&) {
  descend(archive);
}
template <class T>
void epilogue(Writer& archive, const T&) {
  --archive.depth;
}
template <class T>
void prologue(Reader& archive, const T&) {
  descend(archive);
}
template <class T>
void epilogue(Reader& archive, const T&) {
  --archive.depth;
}

template <Number T>
void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const T& value) {
  archive.put(&value, sizeof value);
}
template <Number T>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    std::uint8_t byte = 0;
    archive.take(&byte, 1);
    if (byte > 1) throw cereal::Exception("a bool is neither 0 nor 1");
    value = byte == 1;
  } else {
    archive.take(&value, sizeof value);
  }
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const cereal::BinaryData<T>& data) {
  archive.put(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, cereal::BinaryData<T>& data) {
  archive.take(data.data, static_cast<std::size_t>(data.size));
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const cereal::SizeTag<T>& tag) {
  archive(tag.size);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, cereal::SizeTag<T>& tag) {
  archive(tag.size);
  // Each element has a byte or more; checked before a container makes room for them.
  if (tag.size > archive.left()) throw cereal::Exception("a size is greater than its bytes");
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

}  // namespace varve::detail::cereal_archives

CEREAL_SETUP_ARCHIVE_TRAITS(varve::detail::cereal_archives::Reader,
                            varve::detail::cereal_archives::Writer)
