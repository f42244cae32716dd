// SPDX-License-Identifier: Apache-2.0
//
// write_log STACK whole|image DIRECTORY SEED
//
// Writes a store with a log and says what it wrote, for a reader in another language: `batch
// SEQUENCE OPERATION...`, `batch_and_drop`, `open_tree`, `drop_tree`; then what is there, `tree ID
// NAME` and `record ID KEY VALUE`. Texts are in hexadecimal digits, with an x before them. Ends as
// a process does that is killed.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace varve;

std::string hex(BytesView bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "x";
  for (const char byte : bytes) {
    const auto number = static_cast<unsigned char>(byte);
    text += digits[number / 16];
    text += digits[number % 16];
  }
  return text;
}

const char* name_of(WriteOpKind kind) {
  switch (kind) {
    case WriteOpKind::put: return "put";
    case WriteOpKind::erase: return "erase";
    case WriteOpKind::erase_range: return "erase_range";
    case WriteOpKind::erase_from: return "erase_from";
  }
  return "unknown";
}

std::string to_text(const WriteBatch& batch) {
  std::string text;
  for (const WriteOp op : batch) {
    text += ' ' + std::string(name_of(op.kind)) + ' ' + std::to_string(op.tree.id()) + ' ' +
            hex(op.key) + ' ' + hex(op.value);
  }
  return text;
}

template <class Stack>
class Writer {
 public:
  Writer(const std::string& directory, unsigned seed)
      : store_(varve::open<Stack>(directory, WalOptions{.segment_bytes = 20'000})), random_(seed) {
    for (const char* const name : {"people", "places", "things"}) open_tree(name);
  }

  void write(int batches) {
    for (int i = 0; i < batches; ++i) {
      const bool synced = i + 1 == batches || below(3) == 0;
      store_.write(some_batch(), synced ? Durability::synced : Durability::buffered);
      said("batch", to_text(batch_));
    }
  }

  void change_trees() {
    const Tree gone = trees_.back();
    trees_.pop_back();
    store_.drop_tree(gone);
    said("drop_tree", " " + std::to_string(gone.id()));
    open_tree("ideas" + std::to_string(below(100)));
    if constexpr (TransactionalDropEngine<Stack>) {
      const Tree also_gone = trees_.back();
      trees_.pop_back();
      store_.write_and_drop(some_batch(), std::vector{also_gone}, Durability::synced);
      said("batch_and_drop", " drop " + std::to_string(also_gone.id()) + to_text(batch_));
      open_tree("more");
    }
  }

  void make_image() {
    store_.trim_log();
    std::cout << "trimmed " << store_.last_sequence() << '\n';
  }

  void say_what_is_there() {
    for (const TreeInfo& info : store_.trees()) {
      std::cout << "tree " << info.tree.id() << ' ' << hex(info.name) << '\n';
      for (const auto& record : store_.scan(info.tree, KeyRange::all())) {
        std::cout << "record " << info.tree.id() << ' ' << hex(record.key) << ' '
                  << hex(record.value) << '\n';
      }
    }
    std::cout.flush();
  }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }

  std::string some_key() { return std::string(1 + below(3), static_cast<char>(' ' + below(220))); }

  const WriteBatch& some_batch() {
    batch_.clear();
    for (unsigned left = 1 + below(5); left > 0; --left) {
      const Tree tree = trees_[below(static_cast<unsigned>(trees_.size()))];
      switch (below(12)) {
        case 0: batch_.erase(tree, some_key()); break;
        case 1: {
          const std::string prefix(1, static_cast<char>(0xF0 + below(16)));
          batch_.erase_range(tree, KeyRange::prefix(prefix));
          break;
        }
        case 2: batch_.erase_range(tree, KeyRange::between("a", "b" + some_key())); break;
        default:
          batch_.put(tree, some_key(),
                     std::string(below(4) == 0 ? below(700) : below(20),
                                 static_cast<char>('a' + below(26))));
      }
    }
    return batch_;
  }

  void open_tree(const std::string& name) {
    const std::uint64_t before = store_.last_sequence();
    trees_.push_back(store_.open_tree(name));
    if (store_.last_sequence() == before) return;
    said("open_tree", " " + std::to_string(trees_.back().id()) + " " + hex(name));
  }

  void said(const char* what, const std::string& rest) {
    std::cout << what << ' ' << store_.last_sequence() << rest << '\n';
  }

  Stack store_;
  std::mt19937 random_;
  std::vector<Tree> trees_;
  WriteBatch batch_;
};

template <class Stack>
int run(const std::string& directory, const std::string& what, unsigned seed) {
  // Never destroyed: a process that is killed closes nothing.
  auto& writer = *new Writer<Stack>(directory, seed);
  writer.write(150);
  writer.change_trees();
  if (what == "image") writer.make_image();
  writer.write(150);
  writer.say_what_is_there();
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: write_log STACK whole|image DIRECTORY SEED\n");
    return 2;
  }
  const std::string stack = argv[1];
  const auto seed = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10));
  if (stack == "Wal<MemoryAdapter>") return run<Wal<MemoryAdapter>>(argv[3], argv[2], seed);
  if (stack == "Wal<LmdbAdapter>") return run<Wal<LmdbAdapter>>(argv[3], argv[2], seed);
  std::fprintf(stderr, "write_log: there is no stack '%s'\n", argv[1]);
  return 2;
}
