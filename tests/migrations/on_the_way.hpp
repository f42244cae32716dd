// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/open.hpp>

#include "migrations/blocks.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

/// What a store may be found to be on its way from version 1 to version 4 of `blocks::ToFour`.
namespace varve_test::on_the_way {

enum class Place : std::uint8_t { before, begun, middle, verifying, done };

struct Found {
  Place place{};
  std::uint64_t moved = 0;  ///< blocks that are of version 4
  std::string wrong{};      ///< empty where each block is in one form, and the ledger says which
};

[[nodiscard]] inline const char* to_string(Place place) {
  switch (place) {
    case Place::before: return "before";
    case Place::begun: return "begun";
    case Place::middle: return "middle";
    case Place::verifying: return "verifying";
    case Place::done: return "done";
  }
  return "unknown";
}

namespace detail {

/// Of a tree that has blocks: whether each is as `made` makes it, and none was there before.
template <varve::KvEngine E, class Make>
[[nodiscard]] std::string add_blocks(const E& engine, varve::BytesView name,
                                     std::set<std::uint64_t>& heights, Make&& made) {
  const auto tree = engine.find_tree(name);
  if (!tree) return "";
  for (auto scan = engine.scan(*tree, varve::KeyRange::all()); scan.valid(); scan.next()) {
    const varve::Entry entry = scan.entry();
    bool known = false;
    try {
      const auto [height, key, value] = made(entry);
      known = key == entry.key && value == entry.value;
      if (known && !heights.insert(height).second) {
        return "block " + std::to_string(height) + " is there twice";
      }
    } catch (const varve::Error&) {
      known = false;
    }
    if (!known) return "a record of '" + std::string(name) + "' is of no version";
  }
  return "";
}

struct Block {
  std::uint64_t height = 0;
  std::string key{};
  std::string value{};
};

[[nodiscard]] inline Block old_block(const varve::Entry& entry) {
  const auto height = varve::Ordered::decode<std::uint64_t>(entry.key);
  return {height, blocks::key_of(height),
          blocks::record_of(blocks::BlockV1{height, blocks::hash_of(height)})};
}

[[nodiscard]] inline Block new_block(const varve::Entry& entry) {
  const auto block = varve::Packed::decode<blocks::BlockV1>(entry.value.substr(1));
  return {block.height, blocks::key_of(blocks::hash_of(block.height)),
          blocks::record_of(blocks::BlockV1{block.height, blocks::hash_of(block.height)}, "\x04")};
}

/// How the blocks and what the ledger says do not fit together.
[[nodiscard]] inline std::string contradiction(const varve::LedgerHead& head,
                                               const std::optional<varve::LedgerRun>& run,
                                               const Found& found, std::uint64_t count,
                                               const std::string& first_old) {
  using varve::StoreState;
  if (!run) {
    if (head.state != StoreState::ready) return "the head is not ready, and there is no run";
    if (head.floor_version != head.write_version) return "the floor is not that of the head";
    if (head.write_version == 1 && found.moved == 0) return "";
    if (head.write_version == 4 && found.moved == count) return "";
    return "the store says that it is of version " + std::to_string(head.write_version) + ", and " +
           std::to_string(found.moved) + " blocks are of version 4";
  }
  if (head.state != StoreState::migrating) return "a run is under way, and the head is ready";
  if (head.write_version != 1) return "the version was raised before the end of the run";
  if (head.least_program != 4) return "programs of old versions are not kept away";
  if (run->records != found.moved) {
    return "the run says that it has done " + std::to_string(run->records) + " blocks, and " +
           std::to_string(found.moved) + " are of version 4";
  }
  if (!run->cursor.empty() && !first_old.empty() && first_old <= run->cursor) {
    return "a block in front of the cursor is of version 1";
  }
  if (run->phase == varve::RunPhase::verify && found.moved != count) {
    return "the run verifies before it is done";
  }
  return "";
}

}  // namespace detail

/// Looks at a store of blocks 0 to `count` - 1 from below, as it lies there.
template <varve::KvEngine E>
[[nodiscard]] Found look(E& engine, std::uint64_t count) {
  Found found;
  const varve::Ledger<E> ledger(engine);
  const auto head = ledger.head();
  if (!head) return {.wrong = "there is no stamp"};
  std::set<std::uint64_t> heights;
  found.wrong = detail::add_blocks(engine, "blocks", heights, &detail::old_block);
  if (!found.wrong.empty()) return found;
  const std::uint64_t old = heights.size();
  found.wrong = detail::add_blocks(engine, "blocks_by_hash", heights, &detail::new_block);
  if (!found.wrong.empty()) return found;
  found.moved = heights.size() - old;
  if (heights.size() != count) {
    found.wrong =
        "of " + std::to_string(count) + " blocks " + std::to_string(heights.size()) + " are there";
    return found;
  }
  std::string first_old;
  if (const auto tree = engine.find_tree("blocks")) {
    const auto scan = engine.scan(*tree, varve::KeyRange::all());
    if (scan.valid()) first_old = scan.entry().key;
  }
  const auto run = ledger.run();
  found.wrong = detail::contradiction(*head, run, found, count, first_old);
  if (!run) {
    found.place = head->write_version == 4 ? Place::done : Place::before;
  } else if (run->phase == varve::RunPhase::verify) {
    found.place = Place::verifying;
  } else {
    found.place = found.moved == 0 ? Place::begun : Place::middle;
  }
  return found;
}

/// What the refusal of a lossy plan says that is to be given back.
[[nodiscard]] inline std::uint64_t accept_loss_in(const varve::Error& refusal) {
  const std::string words = refusal.what();
  const std::string mark = "accept_loss = ";
  const std::size_t at = words.rfind(mark);
  return at == std::string::npos ? 0 : std::stoull(words.substr(at + mark.size()));
}

/// Opens a store of version 1, and accepts what is lost on the way.
template <class Store, class... Options>
[[nodiscard]] Store bring_up(const std::string& directory, varve::MigratedOptions options,
                             const Options&... others) {
  try {
    return varve::open<Store>(directory, options, others...);
  } catch (const varve::Error& error) {
    if (error.kind() != varve::ErrorKind::schema_loss) throw;
    options.accept_loss = accept_loss_in(error);
  }
  return varve::open<Store>(directory, options, others...);
}

}  // namespace varve_test::on_the_way
