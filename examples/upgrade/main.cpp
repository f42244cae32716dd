// SPDX-License-Identifier: Apache-2.0
//
// A store of yesterday's program under today's: what is found, what it would lose, a run that is
// killed in the middle and goes on, the proof that everything is there, and the ways back.

#include "../catalogue/process.hpp"
#include "../catalogue/source.hpp"
#include "../catalogue/terminal.hpp"
#include "../catalogue/text.hpp"
#include "../catalogue/workplace.hpp"
#include "schema.hpp"

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/migrations/terminal_progress.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace upgrade {

namespace {

using catalogue::Disproof;
using catalogue::grouped;
using catalogue::Process;
using catalogue::Source;
using catalogue::Terminal;

constexpr const char* usage =
    R"(usage: upgrade [LIMIT]

Has yesterday's program write a store, brings it up with today's, is killed in the middle of that,
goes on, and takes it back.

  LIMIT   the first so many packages of this machine (500,000)
)";

/// Lines of a message, broken at blanks where they are long.
void print(Terminal& terminal, const std::string& text) {
  const std::size_t columns =
      std::min<std::size_t>(terminal.live() ? terminal.width() : 100, 100) - 4;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > columns) end = std::min(text.rfind(' ', at + columns), end);
    terminal.line("   " + terminal.faint(text.substr(at, end - at)));
    at = end + 1;
  }
}

/// What `open` refuses with.
varve::ErrorKind show_refusal(Terminal& terminal, const std::string& directory,
                              const varve::MigratedOptions& options) {
  try {
    static_cast<void>(varve::open<Store>(directory, options));
  } catch (const varve::Error& error) {
    print(terminal, error.what());
    return error.kind();
  }
  throw Disproof("the store was opened as it was");
}

/// The child: backs the store up, brings it up, slowly, and says after each batch how much is done.
// [child]
void migrate_and_report(const std::string& directory, const std::string& backup,
                        std::uint64_t accepted, double records_per_second) {
  varve::MigratedOptions options{
      .accept_loss = accepted, .grace = std::chrono::seconds(3), .backup_directory = backup};
  options.run.batch_records = 500;
  options.run.records_per_second = records_per_second;
  options.run.progress = [](const varve::MigrationProgress& progress) {
    std::printf("%llu\n", static_cast<unsigned long long>(progress.done));
    std::fflush(stdout);
  };
  static_cast<void>(varve::open<Store>(directory, options));
}
// [/child]

std::string yesterdays_program() {
  return (catalogue::own_path().parent_path() / "yesterday").string();
}

void yesterday(Terminal& terminal, const std::string& directory, std::size_t limit) {
  terminal.chapter("Yesterday");
  Process program({yesterdays_program(), "write", directory, std::to_string(limit)},
                  Process::Errors::shown);
  std::string words;
  const bool wrote = program.read_line(words);
  if (!wrote || !program.wait().success()) {
    throw std::runtime_error("yesterday's program wrote nothing");
  }
  terminal.line("   " + words + " written by yesterday's program, of version 1");
}

std::uint64_t look(Terminal& terminal, const std::string& directory) {
  terminal.chapter("What today's program finds");
  const auto legacy = show_refusal(terminal, directory, {});
  terminal.check(legacy == varve::ErrorKind::schema_legacy,
                 "detected: records without a stamp are never taken for what they are not");
  terminal.line();
  const auto loss = show_refusal(terminal, directory, {.adopt_as = 1});
  terminal.check(loss == varve::ErrorKind::schema_loss,
                 "warned: nothing is lost that was not accepted");
  terminal.line();
  const varve::MigrationPlan plan = varve::plan<Store>(directory);
  print(terminal, to_string(plan));
  terminal.check(plan.refused == 0 && plan.fits(),
                 "planned: every record was tried and none is refused; there is room");
  return plan.hash();
}

std::uint64_t kill_on_its_way(Terminal& terminal, const std::string& directory,
                              const std::string& backup, std::uint64_t accepted,
                              std::uint64_t total) {
  terminal.chapter("The run, killed on its way");
  const double slowly = static_cast<double>(total) / 2;
  Process child({catalogue::own_path().string(), "--migrate", directory, backup,
                 std::to_string(accepted), std::to_string(slowly)},
                Process::Errors::shown);
  catalogue::Progress progress(terminal, "child", total);
  std::uint64_t done = 0;
  for (std::string line; done < total * 2 / 5 && child.read_line(line);) {
    progress.at(done = std::stoull(line));
  }
  child.kill();
  const Process::Ending ending = child.wait();
  progress.stop();
  if (ending.signal != SIGKILL) throw std::runtime_error("the child " + ending.in_words());
  terminal.check(true, "killed by signal 9 at " + grouped(done) + " of " + grouped(total));

  Process old({yesterdays_program(), "read", directory}, Process::Errors::hidden);
  std::string words;
  const bool wrote = old.read_line(words);
  terminal.check(!wrote && !old.wait().success(), "yesterday's program is refused from now on");
  return done;
}

Store resume(Terminal& terminal, const std::string& directory, std::uint64_t done) {
  terminal.chapter("Resumed");
  varve::MigratedOptions options;
  std::uint64_t first = 0;
  const auto show = varve::terminal_progress(STDOUT_FILENO);
  options.run.batch_records = 2'000;
  options.run.progress = [&](const varve::MigrationProgress& progress) {
    if (first == 0) first = progress.done;
    show(progress);
  };
  auto store = varve::open<Store>(directory, options);
  terminal.check(first > done, "the run went on behind record " + grouped(done) +
                                   ", and asked for no consent again");
  return store;
}

/// Today's records, as yesterday's program would have them.
PackageV1 as_yesterday(varve::BytesView record) {
  return SplitSection::invert(PackageCodec::decode<PackageV3>(record));
}

/// The same of a program of version 2, which has them as yesterday's had.
PackageV1 untouched(varve::BytesView record) {
  return varve::Packed::decode<PackageV1>(record);
}

template <class AnyStore>
void verify(Terminal& terminal, const Source& source, const AnyStore& store,
            PackageV1 (*read)(varve::BytesView), const std::string& where) {
  const varve::Tree tree = *store.find_tree("packages");
  std::map<std::string, const catalogue::Facts*> expected;
  for (const catalogue::Item& item : source.items) expected[item.name] = &item.facts;
  std::uint64_t found = 0;
  for (const varve::Entry entry : store.scan(tree, varve::KeyRange::all())) {
    const auto [version, section, summary, size] = read(entry.value);
    const catalogue::Facts& facts = *expected.at(varve::Ordered::decode<std::string>(entry.key));
    if (catalogue::Facts{version, section, summary, size} != facts) {
      throw Disproof("a package is not what yesterday's program wrote");
    }
    ++found;
  }
  terminal.check(found == expected.size(), grouped(found) + " of " + grouped(expected.size()) +
                                               " records are what they were, " + where);
}

void print_greatest(Terminal& terminal, const std::map<std::string, std::uint64_t>& counts) {
  constexpr std::size_t rows = 5;
  std::vector<std::pair<std::uint64_t, std::string>> greatest;
  for (const auto& [name, count] : counts) greatest.emplace_back(count, name);
  std::ranges::sort(greatest, std::greater{});
  greatest.resize(std::min(rows, greatest.size()));
  for (const auto& [count, name] : greatest) {
    terminal.line("     " + catalogue::left(name, 24) + catalogue::right(grouped(count), 10));
  }
}

void ask(Terminal& terminal, Store& store) {
  terminal.chapter("Asked");
  std::map<std::string, std::uint64_t> areas;
  std::map<std::string, std::uint64_t> sections;
  for (const varve::Entry entry :
       store.scan(*store.find_tree("packages"), varve::KeyRange::all())) {
    const auto package = PackageCodec::decode<PackageV3>(entry.value);
    ++areas[package.area.empty() ? "main" : package.area];
    ++sections[package.section];
  }
  terminal.line("   packages by area, which is a field now, and by section");
  print_greatest(terminal, areas);
  terminal.line();
  print_greatest(terminal, sections);
  terminal.line();
  terminal.line("   the history of the store");
  for (const varve::LedgerStep& step : store.history()) {
    terminal.line("     from version " + std::to_string(step.from) + " to " +
                  std::to_string(step.to) + (step.lossy ? ", with a loss" : ""));
  }
  for (const std::string& name : store.held_trees()) {
    terminal.line("     the tree '" + name + "' is hidden, and held until it is purged");
  }
}

void downgrade(Terminal& terminal, const Source& source, const std::string& directory) {
  terminal.chapter("Downgraded, and up again");
  // [downgrade]
  varve::downgrade<Store, 2>(directory);
  // [/downgrade]
  verify(terminal, source, varve::open<StoreOfTwo>(directory), &untouched,
         "for the program of version 2");
  print(terminal, to_string(varve::plan<Store>(directory)));
  varve::MigratedOptions options;
  options.run.progress = varve::terminal_progress(STDOUT_FILENO);
  verify(terminal, source, varve::open<Store>(directory, options), &as_yesterday,
         "at version 3 once more");
}

/// The way back over a loss.
void restore(Terminal& terminal, const std::string& backup, const std::string& directory) {
  terminal.chapter("Back to yesterday, by the backup");
  // [restore]
  std::filesystem::create_directory(directory);
  std::filesystem::rename(backup, directory + "/rocksdb");
  // [/restore]
  Process program({yesterdays_program(), "read", directory}, Process::Errors::shown);
  std::string words;
  const bool reads = program.read_line(words) && program.wait().success();
  terminal.check(reads, "yesterday's program reads it: " + words);
}

int run(std::size_t limit) {
  Terminal terminal;
  catalogue::Workplace workplace("", false);
  const std::string directory = workplace.fresh("catalogue");
  const std::string backup = workplace.fresh("backup");
  yesterday(terminal, directory, limit);
  const Source source = catalogue::read_source("", limit);
  const std::uint64_t accepted = look(terminal, directory);
  const std::uint64_t done =
      kill_on_its_way(terminal, directory, backup, accepted, source.items.size());
  {
    auto store = resume(terminal, directory, done);
    verify(terminal, source, store, &as_yesterday, "in the new layout");
    ask(terminal, store);
  }
  downgrade(terminal, source, directory);
  restore(terminal, backup, workplace.fresh("restored"));
  terminal.line();
  terminal.line("   " + terminal.strong("Every claim held."));
  return 0;
}

/// A whole number above 0; throws `std::invalid_argument`.
std::size_t limit_of(const std::string& word) {
  std::size_t limit = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(word.data(), end, limit);
  if (failure != std::errc() || stop != end || limit == 0) {
    throw std::invalid_argument("LIMIT is a number above 0, not '" + word + "'");
  }
  return limit;
}

}  // namespace

}  // namespace upgrade

int main(int count, char** words) {
  const std::vector<std::string> given(words + 1, words + count);
  try {
    if (given.size() == 5 && given[0] == "--migrate") {
      upgrade::migrate_and_report(given[1], given[2], std::stoull(given[3]), std::stod(given[4]));
      return 0;
    }
    if (given.size() > 1 || (given.size() == 1 && given[0].starts_with('-'))) {
      const bool asked = given[0] == "--help";
      std::fputs(upgrade::usage, asked ? stdout : stderr);
      return asked ? 0 : 2;
    }
    return upgrade::run(given.empty() ? 500'000 : upgrade::limit_of(given[0]));
  } catch (const catalogue::Disproof& disproof) {
    std::fprintf(stderr, "\nupgrade: disproved: %s\n", disproof.what());
    return 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "\nupgrade: %s\n", failure.what());
    return 2;
  }
}
