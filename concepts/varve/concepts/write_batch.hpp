// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/tree.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

namespace varve {

/// What one operation of a batch does. Stored: do not change these values.
enum class WriteOpKind : std::uint8_t {
  put = 1,          ///< key gets value
  erase = 2,        ///< key is removed, where it is there
  erase_range = 3,  ///< every key in [key, value) is removed
  erase_from = 4,   ///< every key at and after key is removed
};

/// One operation of a batch. The views point into the batch.
struct WriteOp {
  WriteOpKind kind{};
  Tree tree;
  BytesView key;    ///< of a range, its first key; empty means from the beginning
  BytesView value;  ///< of `erase_range`, the key before which it ends

  friend bool operator==(const WriteOp&, const WriteOp&) = default;
};

/// The one unit of change: operations on any trees, applied in the order in which they were added,
/// all or none. A later operation on a key overrides an earlier one.
///
/// It is a flat byte string (docs/formats/batch.md), so that what is applied is what is logged,
/// shipped and counted. Adding has the strong guarantee. Belongs to one thread at a time.
class WriteBatch {
 public:
  class Iterator;

  WriteBatch() = default;

  /// Sets `key` to `value`. Throws `invalid_argument` for an empty key and for a key or value of
  /// 4 GiB or more; what else an engine refuses it says when the batch is written.
  WriteBatch& put(Tree tree, BytesView key, BytesView value) {
    check(key, "put");
    check_size(value, "put");
    char head[head_capacity];
    char middle[varint_capacity];
    const std::size_t head_size = encode_head(head, WriteOpKind::put, tree, key.size());
    const std::size_t middle_size = encode_varint(middle, value.size());
    make_room(head_size + key.size() + middle_size + value.size());
    bytes_.append(head, head_size).append(key).append(middle, middle_size).append(value);
    ++count_;
    return *this;
  }

  /// Removes `key`; nothing happens where it is absent. Throws as `put` does.
  WriteBatch& erase(Tree tree, BytesView key) {
    check(key, "erase");
    char head[head_capacity];
    const std::size_t head_size = encode_head(head, WriteOpKind::erase, tree, key.size());
    make_room(head_size + key.size());
    bytes_.append(head, head_size).append(key);
    ++count_;
    return *this;
  }

  /// Removes every key of `range`. An empty range adds nothing.
  WriteBatch& erase_range(Tree tree, KeyRange range) {
    const KeyBounds bounds(range);
    if (bounds.empty()) return *this;
    check_size(bounds.first(), "erase_range");
    check_size(bounds.last(), "erase_range");
    const auto kind = bounds.bounded() ? WriteOpKind::erase_range : WriteOpKind::erase_from;
    const BytesView first = bounds.first();
    const BytesView last = bounds.bounded() ? bounds.last() : BytesView{};
    char head[head_capacity];
    char middle[varint_capacity];
    const std::size_t head_size = encode_head(head, kind, tree, first.size());
    const std::size_t middle_size = bounds.bounded() ? encode_varint(middle, last.size()) : 0;
    make_room(head_size + first.size() + middle_size + last.size());
    bytes_.append(head, head_size).append(first).append(middle, middle_size).append(last);
    ++count_;
    return *this;
  }

  /// Adds the operations of `other` after these.
  WriteBatch& append(const WriteBatch& other) {
    make_room(other.bytes_.size());
    bytes_.append(other.bytes_);
    count_ += other.count_;
    return *this;
  }

  /// Removes every operation and keeps the memory.
  void clear() noexcept {
    bytes_.clear();
    count_ = 0;
  }

  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  /// The number of operations.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// The batch as it is stored. Valid until the batch changes.
  [[nodiscard]] BytesView bytes() const noexcept { return bytes_; }

  /// The batch that `bytes` spells. The bytes may be hostile: whatever is not the one encoding of a
  /// batch is refused with `corruption`.
  [[nodiscard]] static WriteBatch from_bytes(BytesView bytes);

  [[nodiscard]] Iterator begin() const noexcept;
  [[nodiscard]] Iterator end() const noexcept;

  friend bool operator==(const WriteBatch& a, const WriteBatch& b) noexcept {
    return a.bytes_ == b.bytes_;
  }

 private:
  static constexpr std::size_t varint_capacity = 5;
  static constexpr std::size_t head_capacity = 1 + 2 * varint_capacity;

  static void check_size(BytesView bytes, const char* operation) {
    if (bytes.size() <= std::numeric_limits<std::uint32_t>::max()) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = "a key or value must be smaller than 4 GiB; this one has " +
                            std::to_string(bytes.size()) + " bytes",
                 .operation = operation,
                 .layer = "batch"});
  }

  static void check(BytesView key, const char* operation) {
    check_size(key, operation);
    if (!key.empty()) return;
    throw Error(
        ErrorKind::invalid_argument,
        {.message = "a key has at least one byte", .operation = operation, .layer = "batch"});
  }

  static std::size_t encode_varint(char* to, std::size_t number) noexcept {
    std::size_t size = 0;
    for (; number >= 0x80; number >>= 7U) to[size++] = static_cast<char>((number & 0x7fU) | 0x80U);
    to[size++] = static_cast<char>(number);
    return size;
  }

  static std::size_t encode_head(char* to, WriteOpKind kind, Tree tree,
                                 std::size_t key_size) noexcept {
    to[0] = static_cast<char>(kind);
    const std::size_t folded = (std::size_t{tree.number()} << 1U) | (tree.reserved() ? 1U : 0U);
    std::size_t size = 1 + encode_varint(to + 1, folded);
    size += encode_varint(to + size, key_size);
    return size;
  }

  void make_room(std::size_t more) {
    if (bytes_.capacity() - bytes_.size() >= more) return;
    const std::size_t needed = bytes_.size() + more;
    const std::size_t doubled = 2 * bytes_.capacity();
    bytes_.reserve(needed > doubled ? needed : doubled);
  }

  std::string bytes_;
  std::size_t count_ = 0;
};

/// Goes over the operations of a batch. Valid until the batch changes.
class WriteBatch::Iterator {
 public:
  using value_type = WriteOp;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::forward_iterator_tag;

  Iterator() = default;

  [[nodiscard]] WriteOp operator*() const noexcept { return op_; }

  Iterator& operator++() noexcept {
    at_ = next_;
    if (at_ != end_) read();
    return *this;
  }

  Iterator operator++(int) noexcept {
    Iterator before = *this;
    ++*this;
    return before;
  }

  friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.at_ == b.at_; }

 private:
  friend class WriteBatch;

  Iterator(const char* at, const char* end) noexcept : at_(at), next_(at), end_(end) {
    if (at_ != end_) read();
  }

  std::uint32_t read_varint() noexcept {
    std::uint32_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(*next_++);
      number |= std::uint32_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
  }

  BytesView read_bytes() noexcept {
    const std::size_t size = read_varint();
    const BytesView bytes(next_, size);
    next_ += size;
    return bytes;
  }

  void read() noexcept {
    next_ = at_;
    op_.kind = static_cast<WriteOpKind>(*next_++);
    const std::uint32_t folded = read_varint();
    op_.tree = Tree::from_id((folded >> 1U) | (folded << 31U));
    op_.key = read_bytes();
    const bool two = op_.kind == WriteOpKind::put || op_.kind == WriteOpKind::erase_range;
    op_.value = two ? read_bytes() : BytesView{};
  }

  const char* at_ = nullptr;
  const char* next_ = nullptr;
  const char* end_ = nullptr;
  WriteOp op_;
};

inline WriteBatch::Iterator WriteBatch::begin() const noexcept {
  return {bytes_.data(), bytes_.data() + bytes_.size()};
}

inline WriteBatch::Iterator WriteBatch::end() const noexcept {
  const char* const end = bytes_.data() + bytes_.size();
  return {end, end};
}

namespace detail {

/// Reads a batch that nobody vouches for.
class BatchReader {
 public:
  explicit BatchReader(BytesView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::size_t count() {
    std::size_t count = 0;
    for (; at_ != bytes_.size(); ++count) read_op();
    return count;
  }

 private:
  void read_op() {
    start_ = at_;
    const auto kind = static_cast<unsigned char>(bytes_[at_++]);
    if (kind < 1 || kind > 4) fail("an unknown operation");
    static_cast<void>(read_varint());
    const BytesView key = read_bytes();
    if (kind <= 2 && key.empty()) fail("an empty key");
    if (kind == 1) static_cast<void>(read_bytes());
    if (kind == 3 && read_bytes() <= key) fail("a range that ends before it begins");
  }

  std::uint32_t read_varint() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      if (at_ == bytes_.size()) fail("a number that is cut off");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      number |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte >= 0x80) continue;
      if (byte == 0 && shift != 0) fail("a number longer than it needs to be");
      if (number > std::numeric_limits<std::uint32_t>::max()) break;
      return static_cast<std::uint32_t>(number);
    }
    fail("a number above 32 bits");
  }

  BytesView read_bytes() {
    const std::size_t size = read_varint();
    if (size > bytes_.size() - at_) fail("a length beyond the end");
    const BytesView bytes = bytes_.substr(at_, size);
    at_ += size;
    return bytes;
  }

  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorKind::corruption,
                {.message = "the bytes are not a batch: " + std::string(what) +
                            " in the operation at byte " + std::to_string(start_),
                 .operation = "from_bytes",
                 .layer = "batch"});
  }

  BytesView bytes_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
};

}  // namespace detail

inline WriteBatch WriteBatch::from_bytes(BytesView bytes) {
  WriteBatch batch;
  batch.count_ = detail::BatchReader(bytes).count();
  batch.bytes_ = bytes;
  return batch;
}

}  // namespace varve
