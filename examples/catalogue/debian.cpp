// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"
#include "source.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
      if (architecture_ != "all" && !native_.empty() && architecture_ != native_) {
        item_.name += ":" + architecture_;
      }
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

/// Adds the packages of an index that a command prints, up to `limit` of them in all.
void read_index(const std::vector<std::string>& command, std::size_t limit,
                std::vector<Item>& items) {
  std::string native;
  Process architecture({"dpkg", "--print-architecture"}, Process::Errors::hidden);
  static_cast<void>(architecture.read_line(native));

  Stanzas stanzas(native, items);
  Process index(command, Process::Errors::hidden);
  std::string line;
  while (items.size() < limit && index.read_line(line)) stanzas.line(line);
  if (items.size() == limit) return;
  stanzas.end();
  const Process::Ending ending = index.wait();
  if (!ending.success() && !items.empty()) {
    throw std::runtime_error("`" + command[0] + " " + command[1] +
                             "` broke off: " + ending.in_words());
  }
}

/// Prints a file of an index, however it is compressed.
std::vector<std::string> printing(const std::string& file) {
  const std::filesystem::path helper = "/usr/lib/apt/apt-helper";
  if (std::filesystem::exists(helper)) return {helper.string(), "cat-file", file};
  return {"cat", file};
}

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

}  // namespace

const Words& package_words() noexcept {
  return words;
}

Source read_debian(std::size_t limit) {
  Source source{.origin = "this machine's Debian package index", .words = words, .items = {}};
  read_index({"apt-cache", "dumpavail"}, limit, source.items);
  return source;
}

Source read_packages(const std::string& file) {
  Source source{.origin = file, .words = words, .items = {}};
  if (!std::filesystem::exists(file)) throw std::runtime_error("there is no file '" + file + "'");
  read_index(printing(file), all, source.items);
  if (source.items.empty()) {
    throw std::runtime_error("'" + file +
                             "' lists no packages: name a Packages file of an archive");
  }
  return source;
}

Source read_release() {
  Source source{.origin = "", .words = words, .items = {}};
  Process targets({"apt-get", "indextargets", "--format", "$(SUITE) $(CODENAME) $(FILENAME)",
                   "Created-By: Packages"},
                  Process::Errors::hidden);
  for (std::string line; targets.read_line(line);) {
    std::istringstream fields(line);
    std::string suite;
    std::string codename;
    std::string file;
    fields >> suite >> codename >> file;
    if (suite.find('-') != std::string::npos) continue;  // updates, of one kind or another
    read_index(printing(file), all, source.items);
    source.origin = codename + ", without the updates since";
  }
  return source;
}

}  // namespace catalogue
