// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>

#include "migrations/blocks.hpp"
#include "migrations/refusal.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

/// A schema whose every step can be taken back: a field that is added, keys
/// that change, a tree that is made.
namespace varve_test::there_and_back {

using blocks::AddWork;
using blocks::BlockTree;
using blocks::BlockV2;
using blocks::contents;
using blocks::Contents;
using blocks::hash_of;
using blocks::HashTree;
using blocks::key_of;
using blocks::record_of;

struct NotedBlock {
  std::uint64_t height = 0;
  std::string hash{};
  std::uint64_t work = 0;
  std::string note{};

  friend bool operator==(const NotedBlock&, const NotedBlock&) = default;
};

inline std::pair<std::string, BlockV2> hashed(const std::uint64_t&, const BlockV2& block) {
  return {block.hash, block};
}
inline std::pair<std::uint64_t, BlockV2> by_height(const std::string&, const BlockV2& block) {
  return {block.height, block};
}
struct UnderHash : varve::Step<2, 3> {
  static constexpr auto description = "blocks are found by their hash";
  using Actions =
      varve::Actions<varve::Move<BlockTree, HashTree, BlockV2, BlockV2, &hashed, &by_height>>;
};

inline NotedBlock noted(const BlockV2& block) {
  return {block.height, block.hash, block.work, "none"};
}
inline BlockV2 without_note(const NotedBlock& block) {
  return {block.height, block.hash, block.work};
}
struct AddNotes : varve::Step<3, 4> {
  static constexpr auto description = "a note beside each block, and the tips of the chain";
  using Actions =
      varve::Actions<varve::CreateTree<"tips">,
                     varve::Rewrite<HashTree, BlockV2, NotedBlock, &noted, &without_note>>;
};

using Old = varve::MigrationChain<AddWork>;
using Middle = varve::MigrationChain<AddWork, UnderHash>;
using New = varve::MigrationChain<Middle, AddNotes>;

static_assert(New::leads_back_to(1));

/// Blocks as the program of version 2 writes them.
template <varve::KvEngine E>
void fill_version_2(E& engine, std::uint64_t count) {
  const varve::Tree blocks = engine.open_tree("blocks");
  varve::WriteBatch batch;
  for (std::uint64_t height = 0; height < count; ++height) {
    std::string bytes;
    varve::Evolving<Old, BlockTree>::encode(BlockV2{height, hash_of(height), height * 17}, bytes);
    batch.put(blocks, key_of(height), bytes);
  }
  batch.put(engine.open_tree("other"), "of no concern", "to the schema");
  engine.write(batch, varve::Durability::synced);
}

/// What `contents` must be of `fill_version_2`, once the blocks are of
/// version 4.
inline Contents contents_of_new(std::uint64_t count) {
  Contents all;
  all["blocks"];
  all["tips"];
  all["other"]["of no concern"] = "to the schema";
  for (std::uint64_t height = 0; height < count; ++height) {
    all["blocks_by_hash"][key_of(hash_of(height))] =
        record_of(NotedBlock{height, hash_of(height), height * 17, "none"}, "\x04");
  }
  return all;
}

/// Thrown to stop a run.
struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

/// Options with small batches that stop the run after some of them.
inline varve::MigratedOptions stopping_after(int batches, bool verifying = false) {
  varve::MigratedOptions options;
  options.run.batch_records = 40;
  options.run.progress = [=, left = batches](const varve::MigrationProgress& progress) mutable {
    if (progress.verifying == verifying && --left == 0) throw Stop();
  };
  return options;
}

using varve_test::refusal;

/// What the store holds once it is open.
template <class Stack>
Contents contents_of(const std::string& directory) {
  const auto store = varve::open<Stack>(directory);
  return contents(store);
}

/// What it holds once a program of `Chain` has opened it.
template <class Chain, class Below>
Contents contents_in(const std::string& directory, varve::MigratedOptions options = {}) {
  const auto store = varve::open<varve::Migrated<Chain, Below>>(directory, std::move(options));
  return contents(store);
}

}  // namespace varve_test::there_and_back
