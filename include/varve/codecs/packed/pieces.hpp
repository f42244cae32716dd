// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/wire.hpp>

#include <cstddef>
#include <type_traits>

namespace varve::detail::packed {

/// Pieces that stand one after another in `data`, and a table of where each ends but the last,
/// whose end is that of all.
class Pieces {
 public:
  Pieces() = default;
  Pieces(const char* ends, std::size_t width, std::size_t count, BytesView data) noexcept
      : ends_(ends), data_(data.data()), size_(data.size()), count_(count), width_(width) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  [[nodiscard]] BytesView piece(std::size_t index) const noexcept {
    const std::size_t first = index == 0 ? 0 : end(index - 1);
    const std::size_t last = index + 1 == count_ ? size_ : end(index);
    return {data_ + first, last - first};
  }

  /// Calls `use` with each piece. Throws where they do not lie one after another within the data;
  /// answers the last end that is written, 0 where there is none.
  template <class Use>
  std::size_t check(Use use) const {
    std::size_t before = 0;
    for (std::size_t i = 0; i + 1 < count_; ++i) {
      const std::size_t next = end(i);
      if (next < before) refuse("an offset goes back");
      if (next > size_) refuse("an offset leads beyond the end");
      use(BytesView(data_ + before, next - before));
      before = next;
    }
    if (count_ != 0) use(BytesView(data_ + before, size_ - before));
    return before;
  }

 private:
  [[nodiscard]] std::size_t end(std::size_t index) const noexcept {
    return load_offset(ends_ + index * width_, width_);
  }

  const char* ends_ = nullptr;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::size_t width_ = 0;
};

/// Pieces that are all of one size.
template <std::size_t bytes>
class EvenPieces {
 public:
  EvenPieces() = default;
  explicit EvenPieces(BytesView data) noexcept : data_(data.data()), count_(data.size() / bytes) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] BytesView piece(std::size_t index) const noexcept {
    return {data_ + index * bytes, bytes};
  }

 private:
  const char* data_ = nullptr;
  std::size_t count_ = 0;
};

template <class T>
struct PiecesOf {
  using type = Pieces;
};
template <Fixed T>
struct PiecesOf<T> {
  using type = EvenPieces<Wire<T>::bytes>;
};
template <class T>
using pieces_t = typename PiecesOf<T>::type;

/// What can stand in a list: without bytes, elements could not be counted.
template <class T>
concept Listable = Packable<T> && (!Fixed<T> || requires { requires Wire<T>::bytes != 0; });

// A list of elements that are not fixed: `width | count | ends | elements`. The empty list has no
// bytes.

template <class T>
[[nodiscard]] pieces_t<T> pieces_of_list(BytesView bytes) noexcept {
  if constexpr (Fixed<T>) {
    return pieces_t<T>(bytes);
  } else {
    if (bytes.empty()) return {};
    const std::size_t width = static_cast<unsigned char>(bytes.front());
    const std::size_t count = load_offset(bytes.data() + 1, width);
    return Pieces(bytes.data() + 1 + width, width, count, bytes.substr(1 + count * width));
  }
}

/// Checks the list and each element, and calls `use` with the bytes of each that is good.
template <class T, class Use>
void check_list(BytesView bytes, Use use) {
  if constexpr (Fixed<T>) {
    if (bytes.size() % Wire<T>::bytes != 0) refuse("an element is cut off");
    for (; !bytes.empty(); bytes.remove_prefix(Wire<T>::bytes)) {
      const BytesView element = bytes.substr(0, Wire<T>::bytes);
      check_piece<T>(element);
      use(element);
    }
  } else {
    if (bytes.empty()) return;
    const std::size_t width = check_width(bytes);
    if (bytes.size() < 1 + width) refuse("they end too soon");
    const std::size_t count = load_offset(bytes.data() + 1, width);
    if (count == 0) refuse("an empty list has no bytes");
    if ((bytes.size() - 1) / width < count) refuse("there are fewer elements than they say");
    const std::size_t last_end = pieces_of_list<T>(bytes).check([&](BytesView element) {
      Wire<T>::check(element);
      use(element);
    });
    if (width_for(last_end < count ? count : last_end) != width) {
      refuse("offsets are wider than need be");
    }
  }
}

template <class T>
void check_list(BytesView bytes) {
  if constexpr (is_always_valid<T>()) {
    if (bytes.size() % Wire<T>::bytes != 0) refuse("an element is cut off");
  } else {
    check_list<T>(bytes, [](BytesView) {});
  }
}

}  // namespace varve::detail::packed
