// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"
#include "source.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace catalogue {

namespace {

constexpr Words words{.things = "commits",
                      .needs = "parents",
                      .needed_by = "children",
                      .thing = "commit",
                      .group = "parents",
                      .size = "length of message",
                      .size_unit = "bytes"};

std::string_view next_field(std::string_view& record, char separator) {
  const std::size_t end = std::min(record.find(separator), record.size());
  const std::string_view field = record.substr(0, end);
  record.remove_prefix(std::min(end + 1, record.size()));
  return field;
}

}  // namespace

Source read_git(const std::string& directory, std::size_t limit) {
  Source source{.origin = "the git repository " + directory, .words = words, .items = {}};
  Process log({"git", "-C", directory, "log", "-z", "--max-count=" + std::to_string(limit),
               "--format=%H%x1f%cs%x1f%an%x1f%P%x1f%s%x1f%B"},
              Process::Errors::shown);
  std::string line;
  while (log.read_line(line, '\0')) {
    std::string_view left = line;
    Item item;
    item.name = next_field(left, '\x1f');
    item.facts.version = next_field(left, '\x1f');
    item.facts.section = next_field(left, '\x1f');
    std::string_view parents = next_field(left, '\x1f');
    while (!parents.empty()) item.needs.emplace_back(next_field(parents, ' '));
    item.facts.summary = next_field(left, '\x1f');
    item.facts.size = left.size();
    source.items.push_back(std::move(item));
  }
  const Process::Ending ending = log.wait();
  if (!ending.success() || source.items.empty()) {
    throw std::runtime_error("no commits could be read from '" + directory + "' (`git log`: " +
                             ending.in_words() + "); name a git repository that has some");
  }
  return source;
}

}  // namespace catalogue
