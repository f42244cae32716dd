// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/full/state.hpp>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace varve::testing::detail {

// A checkpoint is a directory with one file, `state`: a batch that puts under the name of each tree
// its id, into the tree with the id 0, and then every record. The value of the key 0x01, which no
// name can be, is the last number that a tree was given.

[[noreturn]] inline void fail_checkpoint(ErrorKind kind, std::string message) {
  throw Error(kind, {.message = std::move(message), .operation = "checkpoint", .layer = "full"});
}

inline void write_checkpoint(const std::string& directory, const FullState& state) {
  namespace fs = std::filesystem;
  const auto [trees, last_number] = state.saved();
  WriteBatch all;
  all.put(Tree(), "\x01", std::to_string(last_number));
  for (const auto& [tree, found] : *trees) all.put(Tree(), found->name, std::to_string(tree.id()));
  for (const auto& [tree, found] : *trees) {
    for (const auto& [key, value] : found->entries) all.put(tree, key, value);
  }
  std::error_code failed;
  const fs::path unfinished = directory + ".unfinished";
  if (fs::exists(directory, failed)) {
    fail_checkpoint(ErrorKind::invalid_argument,
                    "'" + directory + "' exists; name a directory that does not");
  }
  fs::remove_all(unfinished, failed);
  fs::create_directory(unfinished, failed);
  fs::permissions(unfinished, fs::perms::owner_all, failed);
  std::ofstream file(unfinished / "state", std::ios::binary);
  file << all.bytes();
  file.close();
  if (file) fs::rename(unfinished, directory, failed);
  if (file && !failed) return;
  fs::remove_all(unfinished, failed);
  fail_checkpoint(ErrorKind::io, "'" + directory + "' cannot be written");
}

inline void read_checkpoint(const std::string& directory, FullState& state) {
  std::ifstream file(directory + "/state", std::ios::binary);
  if (!file) fail_checkpoint(ErrorKind::io, "there is no checkpoint in '" + directory + "'");
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  FullTrees trees;
  WriteBatch records;
  std::uint32_t last_number = 0;
  for (const WriteOp op : WriteBatch::from_bytes(bytes)) {
    if (op.tree != Tree()) {
      records.put(op.tree, op.key, op.value);
      continue;
    }
    std::uint32_t number = 0;
    const char* const end = op.value.data() + op.value.size();
    if (std::from_chars(op.value.data(), end, number).ptr != end) {
      fail_checkpoint(ErrorKind::corruption, "'" + directory + "' has a tree without an id");
    }
    if (op.key == "\x01") {
      last_number = number;
    } else {
      trees[Tree::from_id(number)] =
          std::make_shared<const FullTree>(FullTree{std::string(op.key), {}});
    }
  }
  state.restore(after(std::move(trees), records), last_number);
}

}  // namespace varve::testing::detail
