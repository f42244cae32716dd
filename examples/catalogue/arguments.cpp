// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include "process.hpp"

#include <charconv>
#include <stdexcept>

namespace catalogue {

namespace {

std::size_t number(const std::string& word) {
  std::size_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(word.data(), end, number);
  if (failure != std::errc() || stop != end || number == 0) {
    throw std::invalid_argument("--limit takes a number above 0, not '" + word + "'");
  }
  return number;
}

}  // namespace

Arguments parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (auto word = words.begin(); word != words.end(); ++word) {
    const auto value = [&]() -> const std::string& {
      if (word + 1 == words.end()) throw std::invalid_argument(*word + " takes a value");
      return *++word;
    };
    if (*word == "--help" || *word == "-h") {
      arguments.help = true;
    } else if (*word == "--load-only") {
      arguments.load_only = true;
    } else if (*word == "--keep") {
      arguments.keep = true;
    } else if (*word == "--quick") {
      arguments.quick = true;
    } else if (*word == "--dir") {
      arguments.directory = value();
    } else if (*word == "--git") {
      arguments.git = value();
    } else if (*word == "--limit") {
      arguments.limit = number(value());
    } else if (word->starts_with('-')) {
      throw std::invalid_argument("there is no option '" + *word + "'; --help lists them");
    } else if (word->ends_with('*')) {
      arguments.beginning = word->substr(0, word->size() - 1);
    } else {
      arguments.name = *word;
    }
  }
  return arguments;
}

std::vector<std::string> child_command(const Arguments& arguments, const std::string& directory) {
  std::vector<std::string> command{
      own_path().string(), "--load-only", "--dir",
      directory,           "--limit",     std::to_string(arguments.limit)};
  if (!arguments.git.empty()) command.insert(command.end(), {"--git", arguments.git});
  return command;
}

}  // namespace catalogue
