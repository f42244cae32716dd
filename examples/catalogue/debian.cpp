// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"
#include "source.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace catalogue {

namespace {

constexpr Words words{.things = "packages",
                      .needs = "depends",
                      .needed_by = "rdepends",
                      .thing = "package",
                      .group = "dependency groups",
                      .size = "installed size",
                      .size_unit = "KiB"};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes an index line by line: stanzas of "Field: value", a blank line after each, a value going
/// on in the lines that start with a blank.
class Stanzas {
 public:
  Stanzas(std::string native, std::vector<Item>& items)
      : native_(std::move(native)), items_(&items) {}

  void line(std::string_view line) {
    if (line.empty()) return end();
    if (line.front() == ' ' || line.front() == '\t') {
      if (needs_ != nullptr) needs_->append(" ").append(trimmed(line));
      return;
    }
    needs_ = nullptr;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    field(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  }

  void end() {
    if (!item_.name.empty()) {
      // As apt names a package of another architecture than the machine's.
      if (architecture_ != "all" && architecture_ != native_) item_.name += ":" + architecture_;
      add_needs(pre_depends_);
      add_needs(depends_);
      items_->push_back(std::move(item_));
    }
    *this = Stanzas(std::move(native_), *items_);
  }

 private:
  void field(std::string_view name, std::string_view value) {
    if (name == "Package") {
      item_.name = value;
    } else if (name == "Version") {
      item_.facts.version = value;
    } else if (name == "Section") {
      item_.facts.section = value;
    } else if (name == "Architecture") {
      architecture_ = value;
    } else if (name == "Installed-Size") {
      std::from_chars(value.data(), value.data() + value.size(), item_.facts.size);
    } else if (name == "Description" || name == "Description-en") {
      item_.facts.summary = value;
    } else if (name == "Depends") {
      needs_ = &(depends_ = value);
    } else if (name == "Pre-Depends") {
      needs_ = &(pre_depends_ = value);
    }
  }

  void add_needs(std::string_view list) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(','), list.size());
      const std::string_view group = trimmed(list.substr(0, end));
      if (!group.empty()) item_.needs.emplace_back(group);
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }

  std::string native_;
  std::vector<Item>* items_;
  Item item_;
  std::string architecture_;
  std::string depends_;
  std::string pre_depends_;
  std::string* needs_ = nullptr;
};

}  // namespace

Source read_debian(std::size_t limit) {
  Source source{.origin = "this machine's Debian package index", .words = words, .items = {}};
  std::string native;
  Process architecture({"dpkg", "--print-architecture"}, Process::Errors::hidden);
  if (!architecture.read_line(native) || !architecture.wait().success()) return source;

  Stanzas stanzas(native, source.items);
  Process index({"apt-cache", "dumpavail"}, Process::Errors::hidden);
  std::string line;
  while (source.items.size() < limit && index.read_line(line)) stanzas.line(line);
  if (source.items.size() == limit) return source;
  stanzas.end();
  const Process::Ending ending = index.wait();
  if (!ending.success() && !source.items.empty()) {
    throw std::runtime_error("`apt-cache dumpavail` broke off: " + ending.in_words());
  }
  return source;
}

}  // namespace catalogue
