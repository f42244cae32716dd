// SPDX-License-Identifier: Apache-2.0
//
// scenario STACK put|batch|checkpoint|prepare|recover|write|judge DIRECTORY
//
// Small programs over a store, to be killed or failed at one of their system calls. Says `ack N`
// when batch N is written, `error KIND` when an operation throws; `judge` says how many batches are
// there, and exits with 1 where one of them is not whole.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/kill/workload.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

using namespace varve;
using varve::testing::detail::KillWorkload;

constexpr std::uint64_t seed = 1;
constexpr std::uint64_t epoch = 1;

/// At once, and past the buffers of the C library: a killed process has said it.
void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(4);
}

template <class Stack>
class Scenario {
 public:
  explicit Scenario(std::string directory) : directory_(std::move(directory)) {}

  int run(const std::string& name) {
    try {
      if (name == "judge") return judge(directory_);
      Stack engine = varve::open<Stack>(directory_);
      open_trees(engine);
      const std::uint64_t there = KillWorkload::number_in(engine, trees_, 0);
      if (name == "put") write(engine, there, 4, Durability::synced);
      if (name == "batch") write(engine, there, 4, Durability::buffered);
      if (name == "prepare") {
        write(engine, there, 5, Durability::synced);
        std::_Exit(0);  // What a crash leaves behind.
      }
      if (name == "recover") write(engine, there, 2, Durability::synced);
      if (name == "write") write(engine, there, 1'000'000, Durability::synced);
      if (name == "checkpoint") copy(engine, there);
    } catch (const Error& error) {
      say("error " + std::string(to_string(error.kind())));
      std::fprintf(stderr, "%s\n", error.what());
      return 3;
    } catch (const std::exception& error) {
      say("exception");
      std::fprintf(stderr, "%s\n", error.what());
      return 4;
    }
    return 0;
  }

 private:
  void open_trees(Stack& engine) {
    for (std::size_t i = 0; i < trees_.size(); ++i) {
      trees_[i] = engine.open_tree(KillWorkload::tree_names[i]);
    }
  }

  /// Tries again after an error, as a program would that swallows it: nothing may be acknowledged
  /// then that is not there later.
  void write(Stack& engine, std::uint64_t there, std::uint64_t count, Durability durability) {
    for (std::uint64_t number = there + 1; number <= there + count; ++number) {
      bool written = false;
      for (int attempt = 0; attempt < 2 && !written; ++attempt) {
        try {
          engine.write(workload_.batch(trees_, 0, number, epoch), durability);
          if (durability == Durability::buffered && number % 2 == 0) engine.flush();
          written = true;
        } catch (const Error& error) {
          say("error " + std::string(to_string(error.kind())));
        }
      }
      if (!written) return;
      say("ack " + std::to_string(number));
    }
  }

  void copy(Stack& engine, std::uint64_t there) {
    write(engine, there, 2, Durability::synced);
    if constexpr (CheckpointEngine<Stack>) {
      engine.checkpoint(directory_ + ".copy");
      say("copied");
    } else {
      engine.flush();
    }
    write(engine, KillWorkload::number_in(engine, trees_, 0), 1, Durability::synced);
  }

  int judge(const std::string& directory) {
    Stack engine = varve::open<Stack>(directory);
    open_trees(engine);
    const std::uint64_t there = KillWorkload::number_in(engine, trees_, 0);
    workload_.advance(0, 0, there, epoch);
    if (const auto torn = workload_.difference(engine, trees_)) {
      say("torn: " + *torn);
      return 1;
    }
    say("found " + std::to_string(there));
    return 0;
  }

  std::string directory_;
  KillWorkload workload_{seed};
  KillWorkload::Trees trees_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: scenario STACK SCENARIO DIRECTORY\n");
    return 2;
  }
  const std::string stack = argv[1];
  const std::string name = argv[2];
  if (stack == "LmdbAdapter") return Scenario<LmdbAdapter>(argv[3]).run(name);
  if (stack == "RocksAdapter") return Scenario<RocksAdapter>(argv[3]).run(name);
  if (stack == "Wal<MemoryAdapter>") return Scenario<Wal<MemoryAdapter>>(argv[3]).run(name);
  if (stack == "Wal<LmdbAdapter>") return Scenario<Wal<LmdbAdapter>>(argv[3]).run(name);
  if (stack == "Wal<RocksAdapter>") return Scenario<Wal<RocksAdapter>>(argv[3]).run(name);
  std::fprintf(stderr, "scenario: there is no stack '%s'\n", argv[1]);
  return 2;
}
