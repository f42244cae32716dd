// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/migrations/history.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve::detail {

/// What becomes of one record, from the version that it has to the latest of the chain, action by
/// action: where it is rewritten, moved or dropped. Nothing is shared with what runs a chain over
/// a store, so that one can be held against the other.
template <class Chain>
class RecordPath {
  using Steps = typename Chain::Steps;

  template <std::size_t j, class List>
  struct NthAction;
  template <std::size_t j, class... A>
  struct NthAction<j, Actions<A...>> : std::tuple_element<j, std::tuple<A...>> {};

  // Every layout that the records of a tree ever had, with the version that it begins with.

  template <FixedText name, class S, class A, class Known>
  struct EverAfter {
    using type = Known;
  };
  template <FixedText name, class S, class A>
    requires(A::kind != ActionKind::create && A::kind != ActionKind::drop &&
             A::kind != ActionKind::drop_index && A::kind != ActionKind::custom &&
             A::tree == name.view())
  struct EverAfter<name, S, A, StepList<>> {
    using First = Layout<S::from, typename A::In, typename A::Source::RecordCodec, void>;
    using type = typename EverAfter<name, S, A, StepList<First>>::type;
  };
  template <FixedText name, class S, class A>
    requires(A::kind == ActionKind::move && A::target == name.view())
  struct EverAfter<name, S, A, StepList<>> {
    using type = StepList<Layout<S::to, typename A::Out, typename A::Target::RecordCodec, void>>;
  };
  template <FixedText name, class S, class A, class... Known>
    requires(sizeof...(Known) != 0 && A::kind == ActionKind::rewrite && A::tree == name.view())
  struct EverAfter<name, S, A, StepList<Known...>> {
    using Next = Layout<S::to, typename A::Out, typename A::Source::RecordCodec, A>;
    using type = StepList<Known..., Next>;
  };
  template <FixedText name, class S, class A, class... Known>
    requires(sizeof...(Known) != 0 && A::kind == ActionKind::move && A::target == name.view())
  struct EverAfter<name, S, A, StepList<Known...>> {
    using Next = Layout<S::to, typename A::Out, typename A::Target::RecordCodec, void>;
    using type = StepList<Known..., Next>;
  };

  template <FixedText name, class S, class List, class Known>
  struct EverAfterStep;
  template <FixedText name, class S, class Known>
  struct EverAfterStep<name, S, Actions<>, Known> {
    using type = Known;
  };
  template <FixedText name, class S, class A, class... Rest, class Known>
  struct EverAfterStep<name, S, Actions<A, Rest...>, Known>
      : EverAfterStep<name, S, Actions<Rest...>, typename EverAfter<name, S, A, Known>::type> {};

  template <FixedText name, class List, class Known>
  struct Ever;
  template <FixedText name, class Known>
  struct Ever<name, StepList<>, Known> {
    using type = Known;
  };
  template <FixedText name, class S, class... Rest, class Known>
  struct Ever<name, StepList<S, Rest...>, Known>
      : Ever<name, StepList<Rest...>,
             typename EverAfterStep<name, S, typename ActionsOf<S>::type, Known>::type> {};

 public:
  /// Calls `put(tree, key, bytes)` for each record that becomes of the one with this key, whose
  /// bytes behind its version are `body`. Throws what codecs and conversions throw.
  template <class RecordTree, class Put>
  static void follow_record(std::uint32_t version, BytesView key, BytesView body, Put&& put) {
    using Layouts = typename Ever<RecordTree::text, Steps, StepList<>>::type;
    using Read = void (*)(BytesView, BytesView, std::remove_reference_t<Put>&);
    static constexpr auto table = []<std::size_t... i>(std::index_sequence<i...>) {
      return std::array<Read, sizeof...(i)>{
          &read_one<RecordTree, nth_t<i, Layouts>, std::remove_reference_t<Put>>...};
    }(std::make_index_sequence<Layouts::size>());
    table[layout_at(Layouts{}, version)](key, body, put);
  }

 private:
  template <class RecordTree, class L, class Put>
  static void read_one(BytesView key, BytesView bytes, Put& put) {
    follow<RecordTree, L::since - Chain::oldest, 0>(
        key, L::RecordCodec::template decode<typename L::Record>(bytes), put);
  }

  /// The record of `RecordTree` before action `j` of step `i`.
  template <class RecordTree, std::size_t i, std::size_t j, class Record, class Put>
  static void follow(BytesView key, const Record& record, Put& put) {
    if constexpr (i == Steps::size) {
      std::string bytes;
      RecordTree::RecordCodec::encode(record, bytes);
      put(RecordTree::name, key, BytesView(bytes));
    } else {
      using List = typename ActionsOf<nth_t<i, Steps>>::type;
      if constexpr (j == List::size) {
        follow<RecordTree, i + 1, 0>(key, record, put);
      } else {
        using A = typename NthAction<j, List>::type;
        constexpr bool concerns = A::tree == RecordTree::name;
        if constexpr (concerns && A::kind == ActionKind::rewrite) {
          follow<RecordTree, i, j + 1>(key, A::convert(record), put);
        } else if constexpr (concerns && A::kind == ActionKind::move) {
          follow_moves<RecordTree, i, List>(key, record, put);
        } else if constexpr (!concerns || A::kind != ActionKind::drop) {
          follow<RecordTree, i, j + 1>(key, record, put);
        }
      }
    }
  }

  template <class RecordTree, std::size_t i, class List, class Record, class Put>
  static void follow_moves(BytesView key, const Record& record, Put& put) {
    const auto from = Ordered::decode<typename RecordTree::Key>(key);
    bool taken = false;
    const auto move = [&]<std::size_t j>() {
      using A = typename NthAction<j, List>::type;
      if constexpr (A::kind == ActionKind::move) {
        if constexpr (A::tree == RecordTree::name) {
          const auto go_on = [&](const typename A::Moved& moved) {
            std::string to;
            Ordered::encode(moved.first, to);
            follow<typename A::Target, i, j + 1>(to, moved.second, put);
            taken = true;
          };
          if constexpr (A::partial) {
            if (const auto moved = A::convert(from, record)) go_on(*moved);
          } else {
            go_on(A::convert(from, record));
          }
        }
      }
    };
    [&]<std::size_t... j>(std::index_sequence<j...>) {
      (move.template operator()<j>(), ...);
    }(std::make_index_sequence<List::size>());
    if (!taken && !nth_t<i, Steps>::loss.lossy) {
      throw std::runtime_error("no move of the step, which is lossless, takes it");
    }
  }
};

}  // namespace varve::detail
