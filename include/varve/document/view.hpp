// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/document/format.hpp>
#include <varve/document/kind.hpp>
#include <varve/document/numbers.hpp>
#include <varve/document/positions.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace varve {

/// A value of a document, read in place. Two words; lives as long as the bytes of the document.
/// Nothing is allocated. Checked once, as a whole: what is taken from a view is a view, unchecked.
///
/// Asking a value for what it is not throws `invalid_argument`.
class DocumentView {
 public:
  /// Null.
  DocumentView() = default;

  /// Errors: `corruption` for bytes that are no document, or one nested deeper than 100 levels.
  [[nodiscard]] static DocumentView of(BytesView bytes) {
    detail::document::check(bytes, 0);
    return DocumentView(bytes);
  }

  [[nodiscard]] DocumentKind kind() const noexcept {
    using detail::document::Head;
    switch (head()) {
      case Head::word: return bytes_.front() == 0 ? DocumentKind::null : DocumentKind::boolean;
      case Head::natural:
      case Head::negative: return DocumentKind::integer;
      case Head::floating: return DocumentKind::floating;
      case Head::string: return DocumentKind::string;
      case Head::bytes: return DocumentKind::bytes;
      case Head::array: return DocumentKind::array;
      case Head::object: break;
    }
    return DocumentKind::object;
  }

  [[nodiscard]] bool is_null() const noexcept { return kind() == DocumentKind::null; }

  template <std::same_as<bool> T>
  [[nodiscard]] T as() const {
    expect(DocumentKind::boolean);
    return bytes_.front() == 2;
  }

  /// Of an integer, which has to fit.
  template <detail::document::Integer T>
  [[nodiscard]] T as() const {
    expect(DocumentKind::integer);
    const std::uint64_t number = detail::document::load(bytes_.data() + 1, bytes_.size() - 1);
    if (head() == detail::document::Head::natural) return detail::document::fitted<T>(number);
    return detail::document::fitted<T>(-1 - static_cast<std::int64_t>(number));
  }

  /// Of a floating-point number, or of an integer, rounded to the nearest.
  template <std::floating_point T>
  [[nodiscard]] T as() const {
    if (kind() == DocumentKind::integer) {
      if (head() == detail::document::Head::negative) return static_cast<T>(as<std::int64_t>());
      return static_cast<T>(as<std::uint64_t>());
    }
    expect(DocumentKind::floating);
    return static_cast<T>(std::bit_cast<double>(detail::document::load(bytes_.data() + 1, 8)));
  }

  /// Of a string, or of bytes: what it holds, in place.
  template <std::same_as<BytesView> T>
  [[nodiscard]] T as() const {
    if (kind() != DocumentKind::bytes) expect(DocumentKind::string);
    return bytes_.substr(1);
  }

  template <std::same_as<std::string> T>
  [[nodiscard]] T as() const {
    return T(as<BytesView>());
  }

  /// The number of elements of an array, or of members of an object.
  [[nodiscard]] std::size_t size() const {
    if (kind() != DocumentKind::object) expect(DocumentKind::array);
    return container().count();
  }

  /// Of an array. Costs the same wherever the element is.
  [[nodiscard]] DocumentView operator[](std::size_t at) const {
    expect(DocumentKind::array);
    const auto array = container();
    if (at >= array.count()) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "the array has " + std::to_string(array.count()) +
                              " elements, and number " + std::to_string(at) + " was asked for",
                   .operation = "as",
                   .layer = "document"});
    }
    return DocumentView(array.value(at));
  }

  /// The member of an object; nothing where it has none of this key. Costs a binary search,
  /// whatever the members hold.
  [[nodiscard]] std::optional<DocumentView> find(BytesView key) const {
    expect(DocumentKind::object);
    const auto object = container();
    const std::size_t at = object.find(key);
    if (at == object.count()) return std::nullopt;
    return DocumentView(object.value(at));
  }

  struct Member;

  /// Of an array, in order; a random-access range.
  [[nodiscard]] auto elements() const {
    expect(DocumentKind::array);
    return detail::document::Positions<Elements>(Elements{bytes_});
  }

  /// Of an object, in the order of their keys; a random-access range.
  [[nodiscard]] auto members() const {
    expect(DocumentKind::object);
    return detail::document::Positions<Members>(Members{bytes_});
  }

  /// The value as a document of its own: what `DocumentCodec` would write for it.
  [[nodiscard]] BytesView bytes() const noexcept { return bytes_; }

  /// Whether both are the same value. Floating-point numbers are compared by their bits.
  [[nodiscard]] friend bool operator==(DocumentView a, DocumentView b) noexcept {
    return a.bytes_ == b.bytes_;
  }

 private:
  // Not to be found for what converts to `BytesView`: these bytes are checked.
  explicit DocumentView(BytesView checked) noexcept : bytes_(checked) {}

  struct Elements {
    BytesView bytes{};
    [[nodiscard]] std::size_t size() const noexcept {
      return detail::document::Container(bytes).count();
    }
    [[nodiscard]] DocumentView at(std::size_t at) const noexcept {
      return DocumentView(detail::document::Container(bytes).value(at));
    }
  };

  struct Members {
    BytesView bytes{};
    [[nodiscard]] std::size_t size() const noexcept {
      return detail::document::Container(bytes).count();
    }
    [[nodiscard]] Member at(std::size_t at) const noexcept;
  };

  [[nodiscard]] detail::document::Head head() const noexcept {
    return static_cast<detail::document::Head>(detail::document::high_half(bytes_.front()));
  }

  [[nodiscard]] detail::document::Container container() const noexcept {
    return detail::document::Container(bytes_);
  }

  void expect(DocumentKind wanted) const {
    if (kind() != wanted) detail::document::refuse_kind(kind(), wanted);
  }

  BytesView bytes_{"\0", 1};
};

struct DocumentView::Member {
  BytesView key;
  DocumentView value;
};

inline DocumentView::Member DocumentView::Members::at(std::size_t at) const noexcept {
  const detail::document::Container object(bytes);
  return {object.key(at), DocumentView(object.value(at))};
}

}  // namespace varve
