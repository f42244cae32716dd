// SPDX-License-Identifier: Apache-2.0
//
// Accounts and transfers, block by block, each with its state root. A child keeps the books first
// and is killed in the middle of a block.
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "../proof_file.hpp"
#include "chain.hpp"

namespace {

using examples::hex;

constexpr const char* usage =
    R"(usage: ledger DIRECTORY [FILE]

Keeps the books of a chain of blocks, is killed in the middle of one, looks back, proves a balance
to a program that has nothing but a root, and changes to another branch.

  DIRECTORY   where the store is made; must not be there yet
  FILE        the headers of a real chain, as .csv or .csv.zst with these columns:
              number,hash,parent_hash,state_root,difficulty,total_difficulty,time,gas,transfers;
              without it blocks are made up
)";

// [schema]
struct Account {
  std::uint32_t id = 0;
  std::uint64_t balance = 0;
  std::uint64_t transfers = 0;
};

using Accounts = varve::Table<"accounts", varve::Key<&Account::id>, Account, varve::Packed,
                              varve::Index<"by_balance", &Account::balance>>;
using Headers =
    varve::Table<"headers", varve::Key<&BlockHeader::number>, BlockHeader, varve::Packed>;

// [store]
using Store = varve::Versioned<varve::Cached<varve::Wal<varve::RocksAdapter>>>;
// [/store]
// [/schema]

constexpr std::uint64_t reward = 2'000'000;

// [block]
/// What a block changes. It reads its own writes: an account may be paid and pay in one block.
template <class Block>
void apply(Block& block, const BlockHeader& header, bool half = false) {
  const Accounts::On<Block> accounts{block};
  const auto change = [&](std::uint32_t id, auto&& how) {
    Account account = accounts.get(id).value_or(Account{.id = id});
    how(account);
    accounts.put(account);
  };
  const std::vector<Transfer> transfers = transfers_of(header);
  change(transfers[0].from, [](Account& maker) { maker.balance += reward; });
  for (const Transfer& transfer : transfers) {
    if (half && &transfer == &transfers[transfers.size() / 2]) return;
    std::uint64_t amount = 0;
    change(transfer.from, [&](Account& sender) {
      amount = sender.balance / transfer.share;
      sender.balance -= amount;
      ++sender.transfers;
    });
    change(transfer.to, [&](Account& receiver) { receiver.balance += amount; });
  }
  Headers::On<Block>{block}.put(header);
}

template <class AnyStore>
auto commit(AnyStore& store, const BlockHeader& header) {
  auto block = store.begin(varve::Height{header.number});
  apply(block, header);
  return block.finalize(varve::Durability::buffered);
}
// [/block]

/// Keeps the books up to the block `killed` and dies in the middle of it.
[[noreturn]] void keep_books_and_die(const std::string& directory,
                                     std::span<const BlockHeader> blocks, std::size_t killed) {
  auto store = varve::open<Store>(directory);
  for (const BlockHeader& header : blocks.first(killed)) commit(store, header);
  store.flush();
  auto block = store.begin(varve::Height{blocks[killed].number});
  apply(block, blocks[killed], true);
  std::raise(SIGKILL);
  std::abort();
}

void expect(bool holds, const std::string& claim) {
  if (!holds) throw std::runtime_error("this does not hold: " + claim);
  std::cout << "  ok  " << claim << '\n';
}

/// Lets a child keep the books first.
void be_killed(const std::string& directory, std::span<const BlockHeader> blocks,
               std::size_t killed) {
  std::cout << "A child keeps the books and is killed in the middle of block "
            << blocks[killed].number << '\n'
            << std::flush;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no child can be started");
  if (child == 0) {
    try {
      keep_books_and_die(directory, blocks, killed);
    } catch (const std::exception& error) {
      std::cerr << error.what() << '\n' << std::flush;
      std::_Exit(1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child was killed by signal 9");
}

// [past]
void show_the_past(const Store& store, varve::Height old, std::uint32_t id) {
  std::cout << "\nThe past is read as the present is, its indexes too\n";
  const auto show = [id](const auto& accounts, const std::string& when) {
    const auto account = accounts.get(id);
    const auto richest = accounts.template by<"by_balance">().last();
    std::cout << "  " << when << " account " << id << " has " << (account ? account->balance : 0)
              << "; the richest of all is " << richest->id << " with " << richest->balance << '\n';
  };
  const auto then = store.at(old);
  show(Accounts::On<decltype(then)>{then}, "at height " + std::to_string(old.value));
  show(Accounts::On<const Store>{store}, "at the latest height");
  try {
    static_cast<void>(store.at(varve::Height{0}));
  } catch (const varve::HeightError& error) {
    std::cout << "  " << error.what() << '\n';
  }
}
// [/past]

// [proof]
/// What a stranger needs, besides the root, to see what the richest account had at a height.
examples::ProofFile prove_greatest_balance(const Store& store, varve::Height height) {
  const auto then = store.at(height);
  const varve::Tree tree = *store.find_tree("accounts");
  const Accounts::On<decltype(then)> accounts{then};
  std::string key;
  varve::Ordered::encode(accounts.by<"by_balance">().last()->id, key);
  return {.tree = "accounts",
          .key = key,
          .value = std::string(then.get(tree, key)->view()),
          .proof = store.prove(tree, key, height)};
}
// [/proof]

/// Has the proof verified by another program, which has nothing but it and the root.
void let_it_be_verified(const std::string& program, const varve::StateRoot& root,
                        const std::string& file) {
  const auto verifier = std::filesystem::absolute(program).parent_path() / "verify_proof";
  std::cout << "  $ verify_proof " << hex(root) << " balance.proof\n" << std::flush;
  const std::string command = "'" + verifier.string() + "' " + hex(root) + " '" + file + "'";
  expect(std::system(command.c_str()) == 0,
         "a program that knows nothing but the root accepts it, and no other value");
}

/// The blocks of another branch from `first` on.
std::vector<BlockHeader> branch_of(std::span<const BlockHeader> blocks, std::size_t count) {
  std::vector<BlockHeader> branch(blocks.begin(), blocks.end());
  branch.resize(count, branch.back());
  for (std::size_t i = 0; i != branch.size(); ++i) {
    branch[i].number = branch[0].number + i;
    for (std::uint8_t& byte : branch[i].hash) byte = static_cast<std::uint8_t>(~byte);
    branch[i].transfers += 3;
  }
  return branch;
}

// [reorganisation]
/// The last five blocks were not the ones: others take their place.
void reorganise(Store& store, std::span<const BlockHeader> blocks) {
  std::cout << "\nA reorganisation\n";
  const auto common = blocks.first(blocks.size() - 5);
  const varve::Height fork{common.back().number};
  const auto root = store.root(fork);
  store.rollback(fork);
  expect(store.latest() == fork && store.root(fork) == root && store.audit().good,
         "five heights are taken back, and the data has the root of height " +
             std::to_string(fork.value));
  const auto branch = branch_of(blocks.last(5), 6);
  for (const BlockHeader& header : branch) commit(store, header);

  auto fresh = varve::open<varve::Versioned<varve::MemoryAdapter>>();
  for (const BlockHeader& header : common) commit(fresh, header);
  for (const BlockHeader& header : branch) commit(fresh, header);
  const varve::Height tip{branch.back().number};
  expect(store.root(tip) == fresh.root(tip),
         "after six blocks of another branch the root is that of a fresh build in memory");
  std::cout << "      " << hex(store.root(tip)) << '\n';
}
// [/reorganisation]

void show_changes(const Store& store, varve::Height from, varve::Height to) {
  std::size_t made = 0;
  std::size_t changed = 0;
  for (const varve::HeightChange& change : store.changes(from, to)) {
    ++(change.before ? changed : made);
  }
  std::cout << "\nBetween the heights " << from.value << " and " << to.value << ' ' << changed
            << " records changed and " << made << " were made, those of indexes among them\n";
}

void run(const std::string& program, const std::string& directory,
         std::span<const BlockHeader> blocks) {
  const std::size_t killed = blocks.size() * 2 / 3;
  be_killed(directory, blocks, killed);

  auto store = varve::open<Store>(directory);
  expect(store.latest().value == blocks[killed - 1].number,
         "of the block there is nothing: the store is at height " +
             std::to_string(store.latest().value));
  expect(store.audit().good, "the root is that of the data");
  for (const BlockHeader& header : blocks.subspan(killed)) commit(store, header);
  store.flush();

  std::cout << "\nHeight and root of some of " << blocks.size() << " blocks\n";
  const varve::Height latest = store.latest();
  for (const unsigned back : {900U, 600U, 300U, 1U}) {
    if (back > blocks.size()) continue;
    const varve::Height height{blocks[blocks.size() - back].number};
    std::cout << "  " << height.value << "  " << hex(store.root(height)) << '\n';
  }
  const varve::Height old{blocks[blocks.size() - std::min<std::size_t>(blocks.size(), 900)].number};
  show_the_past(store, old, transfers_of(blocks.back())[0].from);
  show_changes(store, old, latest);

  std::cout << "\nA proof of the greatest balance at height " << old.value << '\n';
  const std::string file = directory + "/balance.proof";
  std::ofstream(file) << prove_greatest_balance(store, old);
  let_it_be_verified(program, store.root(old), file);

  reorganise(store, blocks);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string directory = count > 1 ? arguments[1] : "";
  if ((count != 2 && count != 3) || directory.starts_with('-')) {
    const bool asked = directory == "--help";
    (asked ? std::cout : std::cerr) << usage;
    return asked ? EXIT_SUCCESS : 2;
  }
  try {
    if (std::filesystem::exists(directory)) {
      throw std::runtime_error("'" + directory +
                               "' is there already: name a directory that is not");
    }
    const auto blocks = count == 3 ? read_blocks(arguments[2]) : made_blocks(1200);
    std::filesystem::create_directories(directory);
    run(arguments[0], directory, blocks);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "ledger: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
