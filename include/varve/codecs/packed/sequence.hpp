// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/iterator.hpp>
#include <varve/codecs/packed/pieces.hpp>

#include <cstddef>

namespace varve {

/// The elements of a packed list, read in place: a random-access range that gives each as a value
/// or a view. A handle of a few words; valid, with its iterators, as long as the bytes that it was
/// made from. Safe to read from several threads.
template <class T>
class PackedSequence {
 public:
  using value_type = typename detail::packed::Wire<T>::View;
  using iterator = detail::packed::IndexIterator<PackedSequence, value_type>;

  PackedSequence() = default;

  /// For codecs: of bytes that were checked.
  explicit PackedSequence(detail::packed::pieces_t<T> pieces) noexcept : pieces_(pieces) {}

  [[nodiscard]] std::size_t size() const noexcept { return pieces_.count(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// Of an index below `size()`.
  [[nodiscard]] value_type operator[](std::size_t index) const {
    return detail::packed::view_piece<T>(pieces_.piece(index));
  }
  [[nodiscard]] value_type front() const { return (*this)[0]; }
  [[nodiscard]] value_type back() const { return (*this)[size() - 1]; }

  [[nodiscard]] iterator begin() const noexcept { return iterator(*this, 0); }
  [[nodiscard]] iterator end() const noexcept { return iterator(*this, size()); }

  /// The elements as they are written, one after another.
  [[nodiscard]] BytesView bytes() const noexcept
    requires detail::packed::Fixed<T>
  {
    if (empty()) return {};
    return {pieces_.piece(0).data(), size() * detail::packed::Wire<T>::bytes};
  }

 protected:
  [[nodiscard]] const detail::packed::pieces_t<T>& pieces() const noexcept { return pieces_; }

 private:
  detail::packed::pieces_t<T> pieces_;
};

}  // namespace varve
