// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/testing/script.hpp>
#include <varve/testing/show.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace varve::testing {

namespace detail {

/// Writes the values of scripts, each after a space.
class ScriptWriter {
 public:
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  void operator()(bool value) { word(value ? "yes" : "no"); }
  void operator()(std::uint32_t value) { word(std::to_string(value)); }
  void operator()(const std::string& bytes) { word(show(bytes)); }
  void operator()(Order order) { word(order == Order::ascending ? "ascending" : "descending"); }
  void operator()(Durability durability) {
    word(durability == Durability::synced ? "synced" : "buffered");
  }

  void operator()(const script::Range& range) {
    switch (range.kind) {
      case script::Range::Kind::all: return word("all");
      case script::Range::Kind::prefix: word("prefix"); break;
      case script::Range::Kind::from: word("from"); break;
      case script::Range::Kind::between: word("between"); break;
    }
    (*this)(range.first);
    if (range.kind == script::Range::Kind::between) (*this)(range.last);
  }

  template <class T>
  void operator()(const std::vector<T>& values) {
    word("[");
    for (const T& value : values) (*this)(value);
    word("]");
  }

  template <class... Kinds>
  void operator()(const std::variant<Kinds...>& operation) {
    std::visit(*this, operation);
  }

  template <class Kind>
    requires requires { Kind::word; }
  void operator()(Kind operation) {
    word(Kind::word);
    std::apply([this](const auto&... fields) { ((*this)(fields), ...); }, operation.fields());
  }

 private:
  void word(BytesView bytes) {
    if (!text_.empty()) text_ += ' ';
    text_ += bytes;
  }

  std::string text_;
};

/// Reads what `ScriptWriter` wrote; a person may have edited it.
class ScriptReader {
 public:
  ScriptReader(BytesView line, std::size_t number) noexcept : rest_(line), number_(number) {
    skip();
  }

  [[nodiscard]] bool done() const noexcept { return rest_.empty() || rest_.front() == '#'; }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::invalid_argument,
                {.message = "line " + std::to_string(number_) + " of the script: " + what +
                            ", at '" + std::string(rest_.substr(0, 40)) + "'",
                 .operation = "parse",
                 .layer = "model test"});
  }

  void operator()(bool& value) { value = one_of("no", "yes"); }
  void operator()(Order& order) {
    order = one_of("ascending", "descending") ? Order::descending : Order::ascending;
  }
  void operator()(Durability& durability) {
    durability = one_of("buffered", "synced") ? Durability::synced : Durability::buffered;
  }

  void operator()(std::uint32_t& value) {
    value = number();
    skip();
  }

  void operator()(std::string& bytes) {
    if (!take('"')) fail("a quoted string is missing");
    bytes.clear();
    while (!take('"')) {
      if (rest_.empty()) fail("a quoted string does not end");
      bytes += character();
    }
    if (take('*')) {
      const std::string unit = bytes;
      const std::uint32_t times = number();
      if (unit.size() * times > longest) fail("a string of more than 256 MiB");
      for (std::uint32_t left = times; left > 1; --left) bytes += unit;
    }
    skip();
  }

  void operator()(script::Range& range) {
    using Kind = script::Range::Kind;
    range = {};
    if (take_word("all")) return;
    range.kind = take_word("prefix")    ? Kind::prefix
                 : take_word("from")    ? Kind::from
                 : take_word("between") ? Kind::between
                                        : Kind::all;
    if (range.kind == Kind::all) fail("'all', 'prefix', 'from' or 'between' is missing");
    (*this)(range.first);
    if (range.kind == Kind::between) (*this)(range.last);
  }

  template <class T>
  void operator()(std::vector<T>& values) {
    if (!take_word("[")) fail("'[' is missing");
    for (values.clear(); !take_word("]");) (*this)(values.emplace_back());
  }

  template <class... Kinds>
  void operator()(std::variant<Kinds...>& operation) {
    const auto is = [&]<class Kind>(Kind kind) {
      if (!take_word(Kind::word)) return false;
      fields(kind);
      operation = std::move(kind);
      return true;
    };
    if (!(is(Kinds{}) || ...)) fail("no operation is called so");
  }

  template <class Kind>
    requires requires { Kind::word; }
  void operator()(Kind& operation) {
    if (!take_word(Kind::word)) fail("'" + std::string(Kind::word) + "' is missing");
    fields(operation);
  }

 private:
  static constexpr std::uint64_t longest = std::uint64_t{256} << 20U;

  template <class Kind>
  void fields(Kind& operation) {
    std::apply([this](auto&... each) { ((*this)(each), ...); }, operation.fields());
  }

  void skip() noexcept {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\r'))
      rest_.remove_prefix(1);
  }

  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_word(BytesView word) noexcept {
    if (rest_.substr(0, rest_.find_first_of(" \r")) != word) return false;
    rest_.remove_prefix(word.size());
    skip();
    return true;
  }

  bool one_of(BytesView no, BytesView yes) {
    if (take_word(yes)) return true;
    if (!take_word(no)) fail("'" + std::string(no) + "' or '" + std::string(yes) + "' is missing");
    return false;
  }

  std::uint32_t number() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') fail("a number is missing");
    std::uint64_t value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = value * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
      if (value > std::numeric_limits<std::uint32_t>::max()) fail("a number is too large");
      rest_.remove_prefix(1);
    }
    return static_cast<std::uint32_t>(value);
  }

  char character() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != '\\') return c;
    if (!take('x') || rest_.size() < 2) fail("a backslash without 'x' and two digits");
    const unsigned high = digit(rest_[0]);
    const unsigned low = digit(rest_[1]);
    rest_.remove_prefix(2);
    return static_cast<char>(high * 16 + low);
  }

  [[nodiscard]] unsigned digit(char c) const {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    fail("a backslash without 'x' and two digits");
  }

  BytesView rest_;
  std::size_t number_;
};

}  // namespace detail

/// One operation as a line of text, without its end: `write synced [ put 0 "a" "1" ]`.
[[nodiscard]] inline std::string to_string(const Operation& operation) {
  detail::ScriptWriter writer;
  writer(operation);
  return writer.text();
}

/// An operation a line.
[[nodiscard]] inline std::string to_string(const Script& script) {
  std::string text;
  for (const Operation& operation : script) text.append(to_string(operation)).append("\n");
  return text;
}

/// The script that `text` spells. Empty lines and what follows a '#' at the beginning of a line or
/// after an operation are passed over. Throws `invalid_argument` that names the line.
[[nodiscard]] inline Script parse_script(BytesView text) {
  Script script;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    detail::ScriptReader reader(text.substr(0, end), number);
    if (!reader.done()) {
      reader(script.emplace_back());
      if (!reader.done()) reader.fail("more than one operation");
    }
    text.remove_prefix(end == BytesView::npos ? text.size() : end + 1);
  }
  return script;
}

}  // namespace varve::testing
