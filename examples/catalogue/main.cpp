// SPDX-License-Identifier: Apache-2.0
//
// The catalogue: real data in a real store, a load that is killed and loses nothing, questions and
// their answers, what a cache makes of them, the same over three engines, and the past of it all.
// `catalogue --help` has the options.

#include "arguments.hpp"
#include "crash.hpp"
#include "history.hpp"
#include "layers.hpp"
#include "measure.hpp"
#include "questions.hpp"
#include "resolve.hpp"
#include "source.hpp"
#include "store.hpp"
#include "terminal.hpp"
#include "text.hpp"
#include "workplace.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/layers/buffered.hpp>
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
  terminal.chapter("What the layers have seen");
  terminal.line("   of these questions, and of " + grouped(reads) +
                " reads at random, every fourth with a prefix scan");
  terminal.line();
  print(terminal, store.metrics());
  terminal.line();
  print_cache(terminal, store);
}

void look_at_cache(Terminal& terminal, const Source& source, const Arguments& arguments,
                   const std::string& directory) {
  // Less than there is to keep, so that the cache has to choose.
  const varve::CachedOptions cache{.capacity_bytes = std::size_t{4} << 20U};
  const std::vector<std::string> names =
      what_a_resolver_asks(source.items, arguments.quick ? 20'000 : 1'000'000);
  terminal.chapter("The cache: the same store with it and without it");
  terminal.line("   a resolver of dependencies takes " + std::string(source.words.things) +
                " at random and looks up what they need:");
  terminal.line("   " + grouped(names.size()) + " gets");
  terminal.line();
  const Resolved without = [&] {
    auto store = varve::open<varve::Metered<Durable>>(directory);
    return resolve(Catalogue(store, source.words), names);
  }();
  auto store = varve::open<Store>(directory, cache);
  const Resolved with = resolve(Catalogue(store, source.words), names);
  print(terminal, with, without);
  terminal.line();
  print_cache(terminal, store);
  terminal.line();
  terminal.check(with.digest == without.digest && with.found == without.found,
                 "both gave the same answers, digest " + hex(with.digest));
}

void compare(Terminal& terminal, const Source& source, const Arguments& arguments,
             Workplace& workplace, const Proof& proof) {
  terminal.chapter("The same over three engines");
  terminal.line("   using Durable = varve::Wal<varve::RocksAdapter>;");
  terminal.line("   using Durable = varve::Wal<varve::Buffered<varve::LmdbAdapter>>;");
  terminal.line("   using Durable = varve::Wal<varve::MemoryAdapter>;");
  terminal.line();
  const std::size_t reads = arguments.quick ? 2'000 : 100'000;
  using Rocks = varve::Wal<varve::RocksAdapter>;
  using Lmdb = varve::Wal<varve::Buffered<varve::LmdbAdapter>>;
  using Memory = varve::Wal<varve::MemoryAdapter>;
  const std::vector all{
      measure<Rocks>(terminal, source, workplace.fresh("over-rocksdb"), reads),
      measure<Lmdb>(terminal, source, workplace.fresh("over-lmdb"), reads),
      measure<Memory>(terminal, source, workplace.fresh("over-memory"), reads),
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
  look_at_cache(terminal, source, arguments, directory);
  compare(terminal, source, arguments, workplace, proof);
  show_history(terminal, source, arguments.name, workplace.fresh("history"));
  terminal.line();
  if (arguments.keep) terminal.line("   the stores are in " + workplace.path());
  terminal.line("   " + terminal.strong("Every claim held."));
  return 0;
}

}  // namespace

}  // namespace catalogue

int main(int count, char** words) {
  try {
    const std::vector<std::string> given(words + 1, words + count);
    if (!given.empty() && given[0] == "history") {
      return catalogue::history({given.begin() + 1, given.end()});
    }
    const catalogue::Arguments arguments = catalogue::parse(given);
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
