// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_lowering.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::detail {

template <class S, class Use>
constexpr void each_move(Use&& use) {
  const auto call = [&]<class A>() {
    if constexpr (A::kind == ActionKind::move) use.template operator()<A>();
  };
  [&]<class... A>(Actions<A...>) {
    (call.template operator()<A>(), ...);
  }(typename ActionsOf<S>::type{});
}

/// The moves of step `S` from the tree that `First` reads.
template <class S, class First, class Use>
constexpr void each_move_from(Use&& use) {
  each_move<S>([&]<class A>() {
    if constexpr (A::tree == First::tree) use.template operator()<A>();
  });
}

template <class S, class A>
consteval bool is_first_move() {
  bool first = true;
  bool seen = false;
  each_move_from<S, A>([&]<class One>() {
    seen = seen || std::is_same_v<One, A>;
    first = first && seen;
  });
  return first;
}

/// Whether all records that step `S` moves to the tree of `A`, and those that
/// are there, have one type.
template <class Chain, class S, class A>
consteval bool moves_line_up() {
  bool same = true;
  each_move<S>([&]<class One>() {
    if constexpr (One::target == A::target) {
      same = same && std::is_same_v<typename One::Out, typename A::Out>;
    }
  });
  using Layouts = layouts_at_t<Chain, A::Target::text, S::from>;
  if constexpr (Layouts::size != 0) {
    using Known = typename nth_t<Layouts::size - 1, Layouts>::Record;
    bool leaves = false;
    [&]<class... One>(Actions<One...>) {
      ((leaves = leaves || (One::tree == A::target &&
                            (One::kind == ActionKind::drop || One::kind == ActionKind::move ||
                             One::kind == ActionKind::rewrite))),
       ...);
    }(typename ActionsOf<S>::type{});
    same = same && (leaves || std::is_same_v<Known, typename A::Out>);
  }
  return same;
}

/// Whether what step `S` moved from the tree of `First` can be moved back, down
/// to `version`.
template <class Chain, class S, class First>
[[nodiscard]] bool moves_invert(std::uint32_t version) noexcept {
  bool inverts = true;
  each_move<S>([&]<class A>() {
    bool concerned = false;
    each_move_from<S, First>(
        [&]<class One>() { concerned = concerned || One::target == A::target; });
    if (concerned) inverts = inverts && A::invertible && !versioned_at<Chain>(A::target, S::from);
  });
  return inverts && leads_below(layouts_at_t<Chain, First::Source::text, S::from>{}, version);
}

/// Calls `use` with the record in `bytes`, of the version `found`, as the moves
/// of `S` read it.
template <class Chain, class S, class First, class Use>
void read_moving(std::uint32_t found, BytesView bytes, Use&& use) {
  using Layouts = layouts_at_t<Chain, First::Source::text, S::from>;
  if constexpr (Layouts::size == 0) {
    use(First::Source::RecordCodec::template decode<typename First::In>(bytes));
  } else {
    read_as<Layouts, Layouts::size - 1, void>(layout_at(Layouts{}, found), bytes, use);
  }
}

/// Appends a record that was moved back, as one of `version`.
template <class Chain, class S, class A>
void append_source(std::string& bytes, const typename A::In& record, std::uint32_t version,
                   bool tagged) {
  using Layouts = layouts_at_t<Chain, A::Source::text, S::from>;
  if constexpr (Layouts::size == 0) {
    A::Source::RecordCodec::encode(record, bytes);
  } else {
    append_lowered<Layouts, Layouts::size - 1>(bytes, record, layout_at(Layouts{}, version),
                                               tagged);
  }
}

/// Calls `use` with the key and the record that a move gives, if it gives any.
template <class Moved, class Use>
void with_moved(const Moved& moved, Use&& use) {
  if constexpr (requires { moved.has_value(); }) {
    if (moved) use(moved->first, moved->second);
  } else {
    use(moved.first, moved.second);
  }
}

/// Whether a record can have come by move `A`: its inverse leads to a key that
/// leads here.
template <class A>
[[nodiscard]] bool leads_here(const typename A::Target::Key& key, const typename A::Out& record,
                              BytesView key_bytes) {
  if constexpr (A::invertible) {
    try {
      std::string again;
      with_moved(A::invert(key, record), [&](const auto& from_key, const auto& from_record) {
        with_moved(A::convert(from_key, from_record),
                   [&](const auto& to_key, const auto&) { Ordered::encode(to_key, again); });
      });
      return again == key_bytes;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      return false;
    }
  }
  return false;
}

/// Whether a record of the tree that `A` moves to came by `A`, where several
/// moves lead there.
template <class S, class A>
[[nodiscard]] bool came_by(const typename A::Target::Key& key, const typename A::Out& record,
                           BytesView key_bytes) {
  std::size_t moves = 0;
  std::size_t ways = 0;
  bool this_one = false;
  each_move<S>([&]<class One>() {
    if constexpr (One::target == A::target) ++moves;
  });
  if (moves == 1) return true;
  each_move<S>([&]<class One>() {
    if constexpr (One::target == A::target) {
      if (!leads_here<One>(key, record, key_bytes)) return;
      ++ways;
      this_one = this_one || std::is_same_v<One, A>;
    }
  });
  if (ways != 1) {
    throw std::runtime_error(ways == 0 ? "no move of the step can have made it"
                                       : "more than one move of the step can have made it");
  }
  return this_one;
}

/// What the moves make of one record.
template <KvEngine E>
class MovedRecords {
 public:
  explicit MovedRecords(E& engine) : engine_(engine), longest_key_(engine.limits().max_key_bytes) {}

  /// Before what becomes of the next record is added.
  void begin(const WriteBatch& batch) {
    if (batch.empty()) in_batch_.clear();
    used_ = 0;
  }

  [[nodiscard]] bool empty() const noexcept { return used_ == 0; }

  /// The place for the bytes of a record of the tree `name`, which lives as
  /// long as the program.
  template <class Key>
  [[nodiscard]] std::string& add(BytesView name, const Key& key) {
    if (used_ == records_.size()) records_.emplace_back();
    Moved& moved = records_[used_++];
    moved.name = name;
    moved.there = false;
    moved.key.clear();
    Ordered::encode(key, moved.key);
    return moved.bytes;
  }

  /// Whether the engine has no room for a key.
  [[nodiscard]] bool too_long() const noexcept {
    for (std::size_t i = 0; i < used_; ++i) {
      if (records_[i].key.size() > longest_key_) return true;
    }
    return false;
  }

  /// Whether a key is one that another record has.
  [[nodiscard]] bool collides() {
    for (std::size_t i = 0; i < used_; ++i) {
      const Moved& moved = records_[i];
      if (in_batch_.contains({moved.name, moved.key})) return true;
      if (engine_.contains(tree_of(moved.name), moved.key)) return true;
    }
    return false;
  }

  /// The same, where a record that is there already with the same bytes is no
  /// other.
  [[nodiscard]] bool differs() {
    for (std::size_t i = 0; i < used_; ++i) {
      Moved& moved = records_[i];
      if (in_batch_.contains({moved.name, moved.key})) return true;
      const auto value = engine_.get(tree_of(moved.name), moved.key);
      if (value && value->view() != moved.bytes) return true;
      moved.there = value.has_value();
    }
    return false;
  }

  /// Puts them into the batch and counts them.
  void put(WriteBatch& batch, RunBatches<E>& batches) {
    for (std::size_t i = 0; i < used_; ++i) {
      const Moved& moved = records_[i];
      if (moved.there) continue;
      batch.put(tree_of(moved.name), moved.key, moved.bytes);
      batches.add(batches.digest_of(moved.name, false), moved.key, moved.bytes);
      in_batch_.emplace(moved.name, moved.key);
    }
  }

 private:
  struct Moved {
    BytesView name{};
    std::string key{};
    std::string bytes{};
    bool there = false;
  };

  [[nodiscard]] Tree tree_of(BytesView name) {
    for (const auto& [known, tree] : trees_) {
      if (known == name) return tree;
    }
    return trees_.emplace_back(name, *engine_.find_tree(name)).second;
  }

  E& engine_;
  std::uint64_t longest_key_;
  std::vector<std::pair<BytesView, Tree>> trees_;
  std::vector<Moved> records_;
  std::size_t used_ = 0;
  std::set<std::pair<BytesView, std::string>> in_batch_;
};

}  // namespace varve::detail
