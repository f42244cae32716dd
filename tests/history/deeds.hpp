// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "history/model.hpp"

#include <varve/concepts/durability.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What is done to a store of history while the power goes, calls fail and processes are killed.
namespace varve_test::past {

/// One thing to do, and what the store is when it is done.
struct Deed {
  enum class Kind { commit, write, block, rollback, prune, drop };

  Kind kind{};
  std::uint64_t height = 0;  ///< to make or to go back to; of a pruning, its budget
  std::size_t tree = 0;      ///< to drop
  WriteBatch batch{};
  varve::Durability durability = varve::Durability::synced;
  Model after;

  /// Whether it, and all before it, is promised to last when it has returned.
  [[nodiscard]] bool promised() const {
    return kind != Kind::prune && durability == varve::Durability::synced;
  }
};

/// The same wherever it is drawn, but for the trees of the batch. `with_roots`: of a store that has
/// them.
inline Deed draw(Random random, const Trees& trees, const Model& before, bool with_roots) {
  Deed deed{.after = before};
  const std::uint32_t drawn = random.below(40);
  if (drawn < 4) {
    deed.kind = Deed::Kind::rollback;
    deed.height = before.floor() + random.next() % (before.latest() - before.floor() + 1);
    deed.after.rollback(deed.height);
  } else if (drawn < 8) {
    deed.kind = Deed::Kind::prune;
    deed.height = 1 + random.below(40);
  } else if (drawn == 8) {
    deed.kind = Deed::Kind::drop;
    deed.tree = random.below(tree_count);
    deed.after.drop(deed.tree, with_roots);
  } else {
    Contents contents = before.now();
    change(random, trees, contents, deed.batch);
    deed.kind = std::array{Deed::Kind::commit, Deed::Kind::write, Deed::Kind::block}[drawn % 3];
    if (!random.one_in(3)) deed.durability = varve::Durability::buffered;
    deed.height = before.latest() + 1;
    if (deed.kind == Deed::Kind::write && contents == before.now()) return deed;
    if (deed.kind != Deed::Kind::write) deed.height += random.below(3);
    deed.after.commit(deed.height, std::move(contents));
  }
  return deed;
}

/// Does it. `made` is told what a commit answers.
template <class Store, class Made>
void act(Store& store, const Trees& trees, const Deed& deed, Made&& made) {
  const auto answered = [&](auto&& make) {
    if constexpr (requires { store.root(); }) {
      made(make());
    } else {
      make();
    }
  };
  switch (deed.kind) {
    case Deed::Kind::commit:
      return answered(
          [&] { return store.commit(deed.batch, Height{deed.height}, deed.durability); });
    case Deed::Kind::write: return store.write(deed.batch, deed.durability);
    case Deed::Kind::block: {
      auto block = store.begin(Height{deed.height});
      block.write(deed.batch);
      return answered([&] { return block.finalize(deed.durability); });
    }
    case Deed::Kind::rollback: return store.rollback(Height{deed.height});
    case Deed::Kind::prune: return static_cast<void>(store.prune_step(deed.height));
    case Deed::Kind::drop: return store.drop_tree(trees[deed.tree]);
  }
}

template <class Store>
void act(Store& store, const Trees& trees, const Deed& deed) {
  act(store, trees, deed, [](const auto&) {});
}

/// Whether some keys, asked for one by one at each height, hold what the model says.
template <class Store>
bool points_hold(const Store& store, const Trees& trees, const Model& model, Random random) {
  for (const auto& [height, contents] : model.heights()) {
    for (int i = 0; i != 4; ++i) {
      const std::size_t tree = random.below(tree_count);
      const std::string key = hard_key(random);
      const auto value = store.get_versioned(trees[tree], key, Height{height});
      const auto record = contents[tree].find(key);
      if (value.has_value() != (record != contents[tree].end())) return false;
      if (value && value->view() != record->second) return false;
    }
  }
  return true;
}

/// What a store was found to be.
struct Verdict {
  std::size_t number = 0;  ///< of the model that it is
  std::string wrong{};     ///< in a sentence; empty where nothing is
};

/// Which of the stores that may be there is there: whole, with its roots, and in order. Of equal
/// ones the last: the drop of an empty tree shows in how far a rollback goes, and in nothing else.
template <class Store>
Verdict judge(const Store& store, const Trees& trees, const std::vector<Model>& possible,
              std::uint64_t seed) {
  Verdict verdict{.number = possible.size()};
  std::string differs = "nothing";
  while (verdict.number != 0 && !differs.empty()) {
    differs = difference(store, trees, possible[--verdict.number]);
    if (verdict.wrong.empty()) verdict.wrong = differs;
  }
  if (!differs.empty()) {
    verdict.wrong = "none of the " + std::to_string(possible.size()) +
                    " stores that may be there; of the newest " + verdict.wrong;
    return verdict;
  }
  verdict.wrong = disorder(store);
  if (!points_hold(store, trees, possible[verdict.number], Random(seed))) {
    verdict.wrong = "a key that is asked for at a height holds something else";
  }
  if constexpr (requires { store.audit(); }) {
    if (const auto report = store.audit(); !report.good) {
      verdict.wrong = "the audit found: " + report.difference;
    }
  }
  return verdict;
}

}  // namespace varve_test::past
