// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/migrations/chain.hpp>
#include <varve/operations.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

/// A schema that has gone through everything: a field that is added, records and a tree that are
/// given up, keys that change.
namespace varve_test::blocks {

struct BlockV1 {
  std::uint64_t height = 0;
  std::string hash{};

  friend bool operator==(const BlockV1&, const BlockV1&) = default;
};
struct BlockV2 {
  std::uint64_t height = 0;
  std::string hash{};
  std::uint64_t work = 0;

  friend bool operator==(const BlockV2&, const BlockV2&) = default;
};

using BlockTree = varve::RecordTree<"blocks", std::uint64_t>;
using HashTree = varve::RecordTree<"blocks_by_hash", std::string>;

struct AddWork : varve::Step<1, 2> {
  static constexpr auto description = "cumulative work beside each block";
  using Tree = BlockTree;
  using In = BlockV1;
  using Out = BlockV2;
  static Out convert(const In& block) { return {block.height, block.hash, block.height * 17}; }
  static In invert(const Out& block) { return {block.height, block.hash}; }
};

inline BlockV1 without_work(const BlockV2& block) {
  return {block.height, block.hash};
}

struct DropWork : varve::Step<2, 3> {
  static constexpr auto description = "cumulative work is computed when it is asked for";
  static constexpr auto loss = varve::lossy("work: it can be computed again");
  using Actions = varve::Actions<varve::DropTree<"work_index">,
                                 varve::Rewrite<BlockTree, BlockV2, BlockV1, &without_work>>;
};

inline std::pair<std::string, BlockV1> to_hash(const std::uint64_t&, const BlockV1& block) {
  return {block.hash, block};
}
inline std::pair<std::uint64_t, BlockV1> to_height(const std::string&, const BlockV1& block) {
  return {block.height, block};
}

struct ByHash : varve::Step<3, 4> {
  static constexpr auto description = "blocks are found by their hash";
  using Actions =
      varve::Actions<varve::Move<BlockTree, HashTree, BlockV1, BlockV1, &to_hash, &to_height>>;
};

/// In the place of AddWork.
struct Picky : varve::Step<1, 2> {
  static constexpr auto description = "every tenth block is refused";
  static constexpr auto loss = varve::lossy("nothing but what is refused");
  using Tree = BlockTree;
  using In = BlockV1;
  using Out = BlockV2;
  static Out convert(const In& block) {
    if (block.height % 10 == 3) {
      throw std::runtime_error(std::to_string(block.height) + " ends in three");
    }
    return {block.height, block.hash, 1};
  }
};
using PickyChain = varve::MigrationChain<Picky>;

using ToTwo = varve::MigrationChain<AddWork>;
using ToThree = varve::MigrationChain<AddWork, DropWork>;
using ToFour = varve::MigrationChain<ToThree, ByHash>;

inline std::string hash_of(std::uint64_t height) {
  return "block-" + std::to_string(height * 7919 % 1009) + "-" + std::to_string(height);
}

template <class T>
std::string key_of(const T& key) {
  std::string bytes;
  varve::Ordered::encode(key, bytes);
  return bytes;
}

template <class Record>
std::string record_of(const Record& record, const char* version = "") {
  std::string bytes(version);
  varve::Packed::encode(record, bytes);
  return bytes;
}

/// Blocks 0 to `count` - 1 of version 1, as a program without a schema wrote them.
template <varve::KvEngine E>
void fill_version_1(E& engine, std::uint64_t count) {
  const varve::Tree blocks = engine.open_tree("blocks");
  const varve::Tree index = engine.open_tree("work_index");
  const varve::Tree other = engine.open_tree("other");
  varve::WriteBatch batch;
  for (std::uint64_t height = 0; height < count; ++height) {
    batch.put(blocks, key_of(height), record_of(BlockV1{height, hash_of(height)}));
    batch.put(index, key_of(height), "work");
  }
  batch.put(other, "of no concern", "to the schema");
  engine.write(batch, varve::Durability::synced);
}

using Contents = std::map<std::string, std::map<std::string, std::string>>;

/// Every record of every tree that is not reserved.
template <varve::KvEngine E>
Contents contents(const E& engine) {
  Contents all;
  for (const varve::TreeInfo& info : engine.trees()) {
    if (info.tree.reserved()) continue;
    auto& records = all[info.name];
    for (const varve::Entry entry : engine.scan(info.tree, varve::KeyRange::all())) {
      records.emplace(entry.key, entry.value);
    }
  }
  return all;
}

/// What `contents` must be once the blocks are of version 4.
inline Contents contents_of_version_4(std::uint64_t count) {
  Contents all;
  all["blocks"];
  all["other"]["of no concern"] = "to the schema";
  for (std::uint64_t height = 0; height < count; ++height) {
    all["blocks_by_hash"][key_of(hash_of(height))] =
        record_of(BlockV1{height, hash_of(height)}, "\x04");
  }
  return all;
}

}  // namespace varve_test::blocks
