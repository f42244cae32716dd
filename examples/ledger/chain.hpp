// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../read_file.hpp"

/// A block of the chain: what moves in it follows from its hash.
struct BlockHeader {
  std::uint64_t number = 0;
  std::array<std::uint8_t, 32> hash{};
  std::int64_t time = 0;
  std::uint32_t transfers = 0;
};

struct Transfer {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t share = 1;  ///< the amount: the sender's balance by this
};

/// What the transfers of a block are; the first account is the one that made the block.
inline std::vector<Transfer> transfers_of(const BlockHeader& block) {
  constexpr std::uint32_t accounts = 5000;
  std::uint64_t seed = block.number;
  for (const std::uint8_t byte : block.hash) seed = seed * 257 + byte;
  std::mt19937_64 random(seed);
  std::vector<Transfer> transfers;
  for (std::uint32_t i = 0; i <= block.transfers; ++i) {
    const auto from = static_cast<std::uint32_t>(random() % accounts);
    const auto to = static_cast<std::uint32_t>(random() % accounts);
    transfers.push_back({from, to, 2 + random() % 7});
  }
  return transfers;
}

/// Blocks whose hashes are drawn.
inline std::vector<BlockHeader> made_blocks(std::size_t count) {
  std::mt19937_64 random(2021);
  std::vector<BlockHeader> blocks(count);
  for (std::size_t i = 0; i != count; ++i) {
    blocks[i].number = i + 1;
    for (std::uint8_t& byte : blocks[i].hash) byte = static_cast<std::uint8_t>(random() >> 56U);
    blocks[i].time = 1'633'267'481 + static_cast<std::int64_t>(i) * 14;
    blocks[i].transfers = static_cast<std::uint32_t>(random() % 12);
  }
  return blocks;
}

/// Lines of "number,hash,parent_hash,state_root,difficulty,total_difficulty,time,gas,transfers",
/// below a line of headings. The block 0 is left out: before it nobody has anything.
inline std::vector<BlockHeader> read_blocks(const std::string& path) {
  std::istringstream lines(examples::read_file(path));
  std::vector<BlockHeader> blocks;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
    if (fields.size() != 9 || fields[1].size() != 64) {
      throw std::runtime_error("'" + path + "' has a line that is no block: " + line);
    }
    BlockHeader block{.number = std::stoull(fields[0]),
                      .time = std::stoll(fields[6]),
                      .transfers = static_cast<std::uint32_t>(std::stoul(fields[8]))};
    for (std::size_t i = 0; i != block.hash.size(); ++i) {
      block.hash[i] =
          static_cast<std::uint8_t>(std::stoul(fields[1].substr(2 * i, 2), nullptr, 16));
    }
    if (block.number != 0) blocks.push_back(block);
  }
  if (blocks.size() < 20) throw std::runtime_error("'" + path + "' has fewer than 20 blocks");
  return blocks;
}
