// SPDX-License-Identifier: Apache-2.0
//
// The catalogue: real data in a real store, a load that is killed and loses nothing, questions and
// their answers, and the same over three engines. `catalogue --help` has the options.

#include "arguments.hpp"
#include "crash.hpp"
#include "measure.hpp"
#include "questions.hpp"
#include "source.hpp"
#include "store.hpp"
#include "terminal.hpp"
#include "text.hpp"
#include "workplace.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/describe.hpp>
#include <varve/open.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace catalogue {

namespace {

Source read_and_tell(Terminal& terminal, const Arguments& arguments) {
  terminal.chapter("The source");
  const auto start = std::chrono::steady_clock::now();
  Source source = read_source(arguments.git, arguments.limit);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  std::uint64_t groups = 0;
  for (const Item& item : source.items) groups += item.needs.size();
  terminal.line("   " + source.origin);
  terminal.line("   " + grouped(source.items.size()) + " " + std::string(source.words.things) +
                " and " + grouped(groups) + " " + std::string(source.words.group) + ", read in " +
                duration(taken.count()));
  return source;
}

Proof load_under_fire(Terminal& terminal, const Source& source, const Arguments& arguments,
                      const std::string& directory) {
  terminal.chapter("The load, killed on its way");
  for (int attempt = 1; attempt <= 5; ++attempt) {
    std::filesystem::remove_all(directory);
    Crash<Store> crash(terminal, source, child_command(arguments, directory), directory);
    if (const auto proof = crash.run(arguments.quick ? 1 : 3)) return *proof;
    terminal.line("   the child was done before the signal reached it: once more");
  }
  throw std::runtime_error(
      "each of five children was done before the signal reached it: give them more to do with a "
      "higher --limit");
}

void ask(Terminal& terminal, const Source& source, const Arguments& arguments,
         const std::string& directory) {
  auto store = varve::open<Store>(directory);
  const Catalogue<Store> catalogue(store, source.words);
  std::string name = arguments.name;
  if (name.empty()) name = catalogue.find("git") ? "git" : source.items.front().name;
  std::string beginning = arguments.beginning;
  if (beginning.empty()) beginning = catalogue.starting_with("libstd").valid() ? "libstd" : "a";

  terminal.chapter("Questions");
  Questions questions(terminal, catalogue, source.words);
  questions.about(name);
  questions.beginning(beginning);
  questions.largest();
  questions.most_needed();

  const std::size_t reads = arguments.quick ? 2'000 : 50'000;
  read_at_random(catalogue, source.items, reads);
  terminal.chapter("What the Metered layer has seen");
  terminal.line("   of these questions, and of " + grouped(reads) +
                " reads at random, every fourth with a prefix scan");
  terminal.line();
  print(terminal, store.metrics());
}

void compare(Terminal& terminal, const Source& source, const Arguments& arguments,
             Workplace& workplace, const Proof& proof) {
  terminal.chapter("The same over three engines");
  terminal.line("   using Store = varve::Metered<varve::RocksAdapter>;");
  terminal.line("   using Store = varve::Metered<varve::LmdbAdapter>;");
  terminal.line("   using Store = varve::Metered<varve::MemoryAdapter>;");
  terminal.line();
  const std::size_t reads = arguments.quick ? 2'000 : 100'000;
  using Rocks = varve::Metered<varve::RocksAdapter>;
  using Lmdb = varve::Metered<varve::LmdbAdapter>;
  using Memory = varve::Metered<varve::MemoryAdapter>;
  const std::vector all{
      measure<Rocks>(terminal, source, workplace.fresh("over-rocksdb"), reads),
      measure<Lmdb>(terminal, source, workplace.fresh("over-lmdb"), reads),
      measure<Memory>(terminal, source, "", reads),
  };
  terminal.line();
  print(terminal, all, source.words);
  terminal.line(terminal.faint("   latencies: p50 / p95 / p99; a scan to its first entry"));
  terminal.line();
  for (const Measured& one : all) {
    terminal.check(one.proof == proof, one.engine + " holds the records of the killed load");
  }
}

int run(const Arguments& arguments) {
  if (arguments.load_only) {
    load_and_report<Store>(read_source(arguments.git, arguments.limit), arguments.directory);
    return 0;
  }
  Terminal terminal;
  Workplace workplace(arguments.directory, arguments.keep);
  const Source source = read_and_tell(terminal, arguments);
  const std::string directory = workplace.fresh("catalogue");
  const Proof proof = load_under_fire(terminal, source, arguments, directory);
  ask(terminal, source, arguments, directory);
  compare(terminal, source, arguments, workplace, proof);
  terminal.line();
  if (arguments.keep) terminal.line("   the stores are in " + workplace.path());
  terminal.line("   " + terminal.strong("Every claim held."));
  return 0;
}

}  // namespace

}  // namespace catalogue

int main(int count, char** words) {
  try {
    const catalogue::Arguments arguments = catalogue::parse({words + 1, words + count});
    if (arguments.help) {
      std::fputs(catalogue::usage, stdout);
      return 0;
    }
    return catalogue::run(arguments);
  } catch (const catalogue::Disproof& disproof) {
    std::fprintf(stderr, "\ncatalogue: disproved: %s\n", disproof.what());
    return 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "\ncatalogue: %s\n", failure.what());
    return 2;
  }
}
