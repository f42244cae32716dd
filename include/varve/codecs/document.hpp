// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>
#include <varve/document.hpp>
#include <varve/document/format.hpp>
#include <varve/document/view.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve {

namespace detail::document {

[[noreturn]] inline void refuse_value(const char* what) {
  throw Error(ErrorKind::invalid_argument,
              {.message = std::string("this document cannot be written: ") + what,
               .operation = "encode",
               .layer = "document"});
}

/// Writes a document in two passes: the first finds the width of each array and object, in the
/// order in which the second one meets them.
class Writer {
 public:
  static void write(const Document& document, std::string& bytes) {
    Writer writer(bytes);
    const std::uint64_t size = writer.measure(document, 0);
    bytes.reserve(bytes.size() + static_cast<std::size_t>(size));
    writer.put(document);
  }

 private:
  explicit Writer(std::string& bytes) noexcept : bytes_(bytes) {}

  std::uint64_t measure(const Document& value, std::size_t depth) {
    switch (value.kind()) {
      case DocumentKind::null:
      case DocumentKind::boolean: return 1;
      case DocumentKind::integer: return 1 + bytes_for(magnitude(value));
      case DocumentKind::floating: return 9;
      case DocumentKind::string:
      case DocumentKind::bytes: return 1 + value.as<BytesView>().size();
      case DocumentKind::array:
      case DocumentKind::object: break;
    }
    if (depth == max_depth) refuse_value("it is nested deeper than 100 levels");
    const std::size_t place = widths_.size();
    widths_.push_back(0);
    std::uint64_t keys = 0;
    std::uint64_t values = 0;
    std::uint64_t count = 0;
    std::uint64_t tables = 1;
    if (value.kind() == DocumentKind::array) {
      count = value.array().size();
      for (const Document& element : value.array()) values += measure(element, depth + 1);
    } else {
      count = value.object().size();
      tables = 2;
      for (const auto& [key, member] : value.object()) {
        keys += key.size();
        values += measure(member, depth + 1);
      }
    }
    const std::size_t log = width_log_for(std::max({count, keys, values}));
    widths_[place] = static_cast<std::uint8_t>(log);
    const std::uint64_t size = 1 + ((1 + count * tables) << log) + keys + values;
    if (size > max_size) refuse_value("it is larger than 4 GiB");
    return size;
  }

  static bool is_negative(const Document& integer) noexcept { return integer.as<double>() < 0; }

  static std::uint64_t magnitude(const Document& integer) {
    if (!is_negative(integer)) return integer.as<std::uint64_t>();
    return static_cast<std::uint64_t>(-1 - integer.as<std::int64_t>());
  }

  void put_number(Head head, std::uint64_t number, std::size_t size) {
    char buffer[9] = {head_byte(head, size)};
    store(number, buffer + 1, size);
    bytes_.append(buffer, 1 + size);
  }

  void put(const Document& value) {
    switch (value.kind()) {
      case DocumentKind::null: bytes_ += head_byte(Head::word, 0); return;
      case DocumentKind::boolean: bytes_ += head_byte(Head::word, value.as<bool>() ? 2 : 1); return;
      case DocumentKind::integer: {
        const std::uint64_t number = magnitude(value);
        return put_number(is_negative(value) ? Head::negative : Head::natural, number,
                          bytes_for(number));
      }
      case DocumentKind::floating:
        return put_number(Head::floating, std::bit_cast<std::uint64_t>(value.as<double>()), 8);
      case DocumentKind::string:
        bytes_ += head_byte(Head::string, 0);
        bytes_ += value.as<BytesView>();
        return;
      case DocumentKind::bytes:
        bytes_ += head_byte(Head::bytes, 0);
        bytes_ += value.as<BytesView>();
        return;
      case DocumentKind::array: return put_array(value.array());
      case DocumentKind::object: return put_object(value.object());
    }
  }

  /// The head, the count, and zeros where the ends come; the place of the first end.
  std::size_t put_front(Head head, std::size_t log, std::size_t count, std::size_t ends) {
    bytes_ += head_byte(head, log);
    const std::size_t at = bytes_.size();
    bytes_.append((1 + ends) << log, '\0');
    store(count, bytes_.data() + at, std::size_t{1} << log);
    return at + (std::size_t{1} << log);
  }

  void put_array(const Document::Array& elements) {
    const std::size_t log = widths_[next_++];
    std::size_t end = put_front(Head::array, log, elements.size(), elements.size());
    const std::size_t begin = bytes_.size();
    for (const Document& element : elements) {
      put(element);
      put_end(end, log, bytes_.size() - begin);
    }
  }

  void put_object(const Document::Object& members) {
    const std::size_t log = widths_[next_++];
    std::size_t end = put_front(Head::object, log, members.size(), 2 * members.size());
    const std::size_t keys = bytes_.size();
    for (const auto& [key, value] : members) {
      bytes_ += key;
      put_end(end, log, bytes_.size() - keys);
    }
    const std::size_t begin = bytes_.size();
    for (const auto& [key, value] : members) {
      put(value);
      put_end(end, log, bytes_.size() - begin);
    }
  }

  void put_end(std::size_t& at, std::size_t log, std::size_t end) noexcept {
    store(end, bytes_.data() + at, std::size_t{1} << log);
    at += std::size_t{1} << log;
  }

  std::string& bytes_;
  std::vector<std::uint8_t> widths_;
  std::size_t next_ = 0;
};

}  // namespace detail::document

/// The codec of documents. A document has one spelling; docs/formats/document.md.
struct DocumentCodec {
  static constexpr BytesView name = "document";

  /// Errors: `invalid_argument` for a document nested deeper than 100 levels, or above 4 GiB.
  template <ByteSink Sink>
  static void encode(const Document& document, Sink& sink) {
    if constexpr (std::same_as<Sink, std::string>) {
      detail::document::Writer::write(document, sink);
    } else {
      std::string bytes;
      detail::document::Writer::write(document, bytes);
      sink.append(BytesView(bytes));
    }
  }

  template <std::same_as<Document> T>
  [[nodiscard]] static T decode(BytesView bytes) {
    return Document(view<Document>(bytes));
  }

  template <std::same_as<Document> T>
  [[nodiscard]] static DocumentView view(BytesView bytes) {
    return DocumentView::of(bytes);
  }

  template <std::same_as<Document> T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return "document 1";
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <std::same_as<Document> T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte < 0x80;
  }
};

}  // namespace varve
