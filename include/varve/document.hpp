// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>
#include <varve/document/kind.hpp>
#include <varve/document/numbers.hpp>
#include <varve/document/view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve {

/// A value whose type is known when the program runs: null, a boolean, a number, a string, bytes,
/// an array or an object, nested at will. For metadata that has no fixed type; what has one is
/// smaller and faster as a struct.
///
/// Stored by `DocumentCodec` of <varve/codecs/document.hpp>, read in place as a `DocumentView`; to
/// and from nlohmann-json by <varve/document/json.hpp>. Asking a value for what it is not throws
/// `invalid_argument`.
class Document {
 public:
  using Bytes = std::vector<std::byte>;
  using Array = std::vector<Document>;
  using Object = std::map<std::string, Document, std::less<>>;

  // NOLINTBEGIN(google-explicit-constructor): a value is a document.
  Document() = default;
  Document(std::nullptr_t) noexcept {}
  template <std::same_as<bool> T>
  Document(T value) noexcept : value_(value) {}
  template <detail::document::Integer T>
  Document(T value) noexcept {
    if (std::in_range<std::int64_t>(value)) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<std::uint64_t>(value);
    }
  }
  template <std::floating_point T>
  Document(T value) noexcept : value_(static_cast<double>(value)) {}
  Document(std::string value) noexcept : value_(std::move(value)) {}
  Document(BytesView value) : value_(std::string(value)) {}
  Document(const char* value) : value_(std::string(value)) {}
  Document(Bytes value) noexcept : value_(std::move(value)) {}
  Document(Array value) noexcept : value_(std::move(value)) {}
  Document(Object value) noexcept : value_(std::move(value)) {}
  // NOLINTEND(google-explicit-constructor)

  /// A copy of what `view` sees.
  explicit Document(DocumentView view);

  [[nodiscard]] DocumentKind kind() const noexcept {
    constexpr DocumentKind kinds[] = {
        DocumentKind::null,    DocumentKind::boolean,  DocumentKind::integer,
        DocumentKind::integer, DocumentKind::floating, DocumentKind::string,
        DocumentKind::bytes,   DocumentKind::array,    DocumentKind::object};
    return kinds[value_.index()];
  }

  [[nodiscard]] bool is_null() const noexcept { return kind() == DocumentKind::null; }

  template <std::same_as<bool> T>
  [[nodiscard]] T as() const {
    return get<bool>(DocumentKind::boolean);
  }

  /// Of an integer, which has to fit.
  template <detail::document::Integer T>
  [[nodiscard]] T as() const {
    if (const auto* const great = std::get_if<std::uint64_t>(&value_)) {
      return detail::document::fitted<T>(*great);
    }
    return detail::document::fitted<T>(get<std::int64_t>(DocumentKind::integer));
  }

  /// Of a floating-point number, or of an integer, rounded to the nearest.
  template <std::floating_point T>
  [[nodiscard]] T as() const {
    if (const auto* const great = std::get_if<std::uint64_t>(&value_))
      return static_cast<T>(*great);
    if (const auto* const number = std::get_if<std::int64_t>(&value_)) {
      return static_cast<T>(*number);
    }
    return static_cast<T>(get<double>(DocumentKind::floating));
  }

  /// Of a string, or of bytes: what it holds, in place.
  template <std::same_as<BytesView> T>
  [[nodiscard]] T as() const {
    if (const auto* const bytes = std::get_if<Bytes>(&value_)) {
      return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
    }
    return get<std::string>(DocumentKind::string);
  }

  template <std::same_as<std::string> T>
  [[nodiscard]] T as() const {
    return T(as<BytesView>());
  }

  [[nodiscard]] const Array& array() const { return get<Array>(DocumentKind::array); }
  [[nodiscard]] Array& array() { return const_cast<Array&>(std::as_const(*this).array()); }
  [[nodiscard]] const Object& object() const { return get<Object>(DocumentKind::object); }
  [[nodiscard]] Object& object() { return const_cast<Object&>(std::as_const(*this).object()); }

  /// The member of an object; null where it has none of this key.
  [[nodiscard]] const Document* find(BytesView key) const {
    const auto at = object().find(key);
    return at == object().end() ? nullptr : &at->second;
  }

  /// The member of an object, which is made where there is none; null becomes an object.
  Document& operator[](BytesView key) {
    if (is_null()) value_ = Object();
    Object& members = object();
    const auto at = members.find(key);
    return at != members.end() ? at->second : members[std::string(key)];
  }

  [[nodiscard]] friend bool operator==(const Document&, const Document&) = default;

 private:
  template <class T>
  [[nodiscard]] const T& get(DocumentKind wanted) const {
    if (const T* const value = std::get_if<T>(&value_)) return *value;
    detail::document::refuse_kind(kind(), wanted);
  }

  // An unsigned number is there only where it does not fit the signed one.
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, Array,
               Object>
      value_;
};

inline Document::Document(DocumentView view) {
  switch (view.kind()) {
    case DocumentKind::null: break;
    case DocumentKind::boolean: value_ = view.as<bool>(); break;
    case DocumentKind::integer:
      *this = view.as<double>() < 0 ? Document(view.as<std::int64_t>())
                                    : Document(view.as<std::uint64_t>());
      break;
    case DocumentKind::floating: value_ = view.as<double>(); break;
    case DocumentKind::string: value_ = view.as<std::string>(); break;
    case DocumentKind::bytes: {
      const auto bytes = view.as<BytesView>();
      const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
      value_ = Bytes(data, data + bytes.size());
      break;
    }
    case DocumentKind::array: {
      auto& elements = value_.emplace<Array>();
      elements.reserve(view.size());
      for (const DocumentView element : view.elements()) elements.push_back(Document(element));
      break;
    }
    case DocumentKind::object: {
      auto& members = value_.emplace<Object>();
      for (const auto [key, value] : view.members()) {
        members.emplace_hint(members.end(), std::string(key), Document(value));
      }
      break;
    }
  }
}

}  // namespace varve
