// SPDX-License-Identifier: Apache-2.0
//
// A store of yesterday's program under today's: what is found, what it would lose, a run that is
// killed in the middle and goes on, and the proof that everything is there.
//
//   upgrade [LIMIT]     with the first LIMIT packages of this machine (500,000)

#include "../catalogue/process.hpp"
#include "../catalogue/source.hpp"
#include "../catalogue/terminal.hpp"
#include "../catalogue/text.hpp"
#include "../catalogue/workplace.hpp"
#include "schema.hpp"

#include <varve/codecs/ordered.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/migrations/terminal_progress.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace upgrade {

namespace {

using catalogue::Disproof;
using catalogue::grouped;
using catalogue::Process;
using catalogue::Source;
using catalogue::Terminal;

void print(Terminal& terminal, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
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

/// The child: brings the store up, slowly, and says after each batch how much is done.
// [child]
void migrate_and_report(const std::string& directory, std::uint64_t accepted,
                        double records_per_second) {
  varve::MigratedOptions options{.accept_loss = accepted, .grace = std::chrono::seconds(3)};
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
  Process program({yesterdays_program(), directory, std::to_string(limit)}, Process::Errors::shown);
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
                 "records without a stamp are never taken for something");
  terminal.line();
  const auto loss = show_refusal(terminal, directory, {.adopt_as = 1});
  terminal.check(loss == varve::ErrorKind::schema_loss, "nothing is lost that was not accepted");
  terminal.line();
  const varve::MigrationPlan plan = varve::plan<Store>(directory);
  print(terminal, to_string(plan));
  return plan.hash();
}

std::uint64_t kill_on_its_way(Terminal& terminal, const std::string& directory,
                              std::uint64_t accepted, std::uint64_t total) {
  terminal.chapter("The run, killed on its way");
  const double slowly = static_cast<double>(total) / 2;
  Process child({catalogue::own_path().string(), "--migrate", directory, std::to_string(accepted),
                 std::to_string(slowly)},
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

  Process old({yesterdays_program(), directory, "1"}, Process::Errors::hidden);
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

void verify(Terminal& terminal, const Source& source, const Store& store) {
  const varve::Tree tree = *store.find_tree("packages");
  std::map<std::string, const catalogue::Facts*> expected;
  for (const catalogue::Item& item : source.items) expected[item.name] = &item.facts;
  std::uint64_t found = 0;
  for (const varve::Entry entry : store.scan(tree, varve::KeyRange::all())) {
    const auto old = SplitSection::invert(PackageCodec::decode<PackageV3>(entry.value));
    const catalogue::Facts& facts = *expected.at(varve::Ordered::decode<std::string>(entry.key));
    if (catalogue::Facts{old.version, old.section, old.summary, old.size} != facts) {
      throw Disproof("a package is not what yesterday's program wrote");
    }
    ++found;
  }
  terminal.check(found == expected.size(), grouped(found) + " of " + grouped(expected.size()) +
                                               " records are what they were, in the new layout");
}

void ask(Terminal& terminal, Store& store) {
  terminal.chapter("Asked");
  const varve::Tree tree = *store.find_tree("packages");
  std::map<std::string, std::uint64_t> areas;
  for (const varve::Entry entry : store.scan(tree, varve::KeyRange::all())) {
    const auto package = PackageCodec::decode<PackageV3>(entry.value);
    ++areas[package.area.empty() ? "main" : package.area];
  }
  for (const auto& [area, count] : areas) {
    terminal.line("   " + catalogue::left(area, 20) + catalogue::right(grouped(count), 10));
  }
  for (const varve::LedgerStep& step : store.history()) {
    terminal.line("   from version " + std::to_string(step.from) + " to " +
                  std::to_string(step.to) + (step.lossy ? ", with a loss" : ""));
  }
  for (const std::string& name : store.held_trees()) {
    terminal.line("   the tree '" + name + "' is hidden, and held until it is purged");
  }
}

void take_back(Terminal& terminal, const std::string& directory) {
  terminal.chapter("Taken back, and forth again");
  // [downgrade]
  varve::downgrade<Store, 2>(directory);
  // [/downgrade]
  const varve::MigrationPlan plan = varve::plan<Store>(directory);
  terminal.check(plan.from == 2 && !plan.lossy(),
                 "the store is at version 2, for a program whose chain ends there");
  print(terminal, to_string(plan));
  varve::MigratedOptions options;
  options.run.progress = varve::terminal_progress(STDOUT_FILENO);
  static_cast<void>(varve::open<Store>(directory, options));
}

int run(std::size_t limit) {
  Terminal terminal;
  catalogue::Workplace workplace("", false);
  const std::string directory = workplace.fresh("catalogue");
  yesterday(terminal, directory, limit);
  const Source source = catalogue::read_source("", limit);
  const std::uint64_t accepted = look(terminal, directory);
  const std::uint64_t done = kill_on_its_way(terminal, directory, accepted, source.items.size());
  {
    auto store = resume(terminal, directory, done);
    verify(terminal, source, store);
    ask(terminal, store);
  }
  take_back(terminal, directory);
  {
    auto store = varve::open<Store>(directory);
    verify(terminal, source, store);
  }
  terminal.line();
  terminal.line("   " + terminal.strong("Every claim held."));
  return 0;
}

}  // namespace

}  // namespace upgrade

int main(int count, char** words) {
  const std::vector<std::string> given(words + 1, words + count);
  try {
    if (given.size() == 4 && given[0] == "--migrate") {
      upgrade::migrate_and_report(given[1], std::stoull(given[2]), std::stod(given[3]));
      return 0;
    }
    return upgrade::run(given.empty() ? 500'000 : std::stoul(given[0]));
  } catch (const catalogue::Disproof& disproof) {
    std::fprintf(stderr, "\nupgrade: disproved: %s\n", disproof.what());
    return 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "\nupgrade: %s\n", failure.what());
    return 2;
  }
}
