// SPDX-License-Identifier: Apache-2.0
//
// scenario ENGINE forward|back prepare|run|judge DIRECTORY
//
// A small migration, to be killed at one of its system calls: `prepare` makes the store that it
// starts from, `run` does what is left of it and says `done`, `judge` says what it finds, does
// what is left and exits with 1 where the store is not what it must be.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/open.hpp>

#include "migrations/blocks.hpp"
#include "migrations/on_the_way.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::on_the_way;

constexpr std::uint64_t blocks_made = 30;

MigratedOptions small_batches(MigratedOptions options = {}) {
  options.run.batch_records = 8;
  return options;
}

/// At once, and past the buffers of the C library: a killed process has said it.
void say(const std::string& words) {
  const std::string text = words + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(4);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// From version 1 to 4: records that are rewritten, keys that change, a tree that is dropped.
template <class E>
struct Forward {
  using Store = Migrated<ToFour, E>;

  static void prepare(const std::string& directory) {
    {
      auto store = varve::open<E>(directory);
      fill_version_1(store, blocks_made);
    }
    try {
      static_cast<void>(open<Store>(directory, MigratedOptions{.adopt_as = 1}));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::schema_loss) throw;
    }
  }

  static void run(const std::string& directory) {
    auto store = bring_up<Store>(directory, small_batches());
    if (!store.held_trees().empty()) store.purge("work_index");
  }

  static void judge(const std::string& directory) {
    {
      E engine(directory + "/" + std::string(E::name));
      const Found found = look(engine, blocks_made);
      require(found.wrong.empty(), found.wrong.c_str());
      say(std::string("found ") + to_string(found.place));
    }
    run(directory);
    auto store = open<Store>(directory);
    require(contents(store) == contents_of_version_4(blocks_made), "other records than there were");
    require(store.history().size() == 3, "other steps than were taken");
    require(store.history().back().records == blocks_made, "records were done twice, or not");
    require(!store.next().find_tree("work_index"), "the dropped tree is there");
  }
};

struct AddNote : Step<1, 2> {
  static constexpr auto description = "the number of leaves beside each block";
  using Tree = BlockTree;
  using In = BlockV1;
  using Out = BlockV2;
  static Out convert(const In& block) { return {block.height, block.hash, block.height * 3}; }
  static In invert(const Out& block) { return {block.height, block.hash}; }
};

std::pair<std::string, BlockV2> under_hash(const std::uint64_t&, const BlockV2& block) {
  return {block.hash, block};
}
std::pair<std::uint64_t, BlockV2> under_height(const std::string&, const BlockV2& block) {
  return {block.height, block};
}
struct UnderHash : Step<2, 3> {
  static constexpr auto description = "blocks are found by their hash, and there are tips";
  using Actions =
      varve::Actions<Move<BlockTree, HashTree, BlockV2, BlockV2, &under_hash, &under_height>,
                     CreateTree<"tips">>;
};

/// From version 3, over the same, back to records without a version.
template <class E>
struct Back {
  using Chain = MigrationChain<AddNote, UnderHash>;
  using Store = Migrated<Chain, E>;

  static void prepare(const std::string& directory) {
    {
      auto store = varve::open<E>(directory);
      fill_version_1(store, blocks_made);
    }
    static_cast<void>(open<Store>(directory, MigratedOptions{.adopt_as = 1}));
  }

  static void run(const std::string& directory) {
    static_cast<void>(open<Store>(directory, small_batches({.take_back_to = 1})));
  }

  static void judge(const std::string& directory) {
    run(directory);
    auto store = open<Store>(directory, MigratedOptions{.skip = true});
    require(store.version() == 1, "it is of another version");
    Contents found = contents(store);
    require(found.erase("other") == 1 && found.erase("work_index") == 1, "a tree is not there");
    Contents expected;
    for (std::uint64_t height = 0; height < blocks_made; ++height) {
      expected["blocks"][key_of(height)] = record_of(BlockV1{height, hash_of(height)});
    }
    require(found == expected, "other records than there were");
    say("found whole");
  }
};

template <class Scenario>
int act(const std::string& what, const std::string& directory) {
  try {
    if (what == "prepare") Scenario::prepare(directory);
    if (what == "run") Scenario::run(directory);
    if (what == "judge") Scenario::judge(directory);
    say("done");
    return 0;
  } catch (const std::exception& error) {
    say(error.what());
    return 1;
  }
}

template <class E>
int act(const std::string& scenario, const std::string& what, const std::string& directory) {
  return scenario == "back" ? act<Back<E>>(what, directory) : act<Forward<E>>(what, directory);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "lmdb")
    return act<LmdbAdapter>(argv[2], argv[3], argv[4]);
  if (argc == 5 && std::string(argv[1]) == "rocksdb") {
    return act<RocksAdapter>(argv[2], argv[3], argv[4]);
  }
  std::fprintf(stderr, "usage: scenario lmdb|rocksdb forward|back prepare|run|judge DIRECTORY\n");
  return 2;
}
