// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/migrations/chain.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve::detail {

/// A layout that the records of a tree have had: their type from version
/// `since` on, and the action that made them of the layout before; `void` of
/// the first one.
template <std::uint32_t version, class RecordType, class CodecType, class ActionType>
struct Layout {
  static constexpr std::uint32_t since = version;
  using Record = RecordType;
  using RecordCodec = CodecType;
  using Action = ActionType;
};

/// The layouts of the tree `name` after action `A` of step `S`, where `Known`
/// were there before.
template <FixedText name, class S, class A, class Known>
struct LayoutsAfter {
  using type = Known;
};

template <FixedText name, class S, class A, class... Known>
  requires(A::kind == ActionKind::rewrite && A::tree == name.view())
struct LayoutsAfter<name, S, A, StepList<Known...>> {
  using C = typename A::Source::RecordCodec;
  using type = StepList<Known..., Layout<S::to, typename A::Out, C, A>>;
};
template <FixedText name, class S, class A>
  requires(A::kind == ActionKind::rewrite && A::tree == name.view())
struct LayoutsAfter<name, S, A, StepList<>> {
  using C = typename A::Source::RecordCodec;
  using type =
      StepList<Layout<S::from, typename A::In, C, void>, Layout<S::to, typename A::Out, C, A>>;
};

// What moves into a tree without records begins its history; what joins others
// has their layout.
template <FixedText name, class S, class A>
  requires(A::kind == ActionKind::move && A::target == name.view())
struct LayoutsAfter<name, S, A, StepList<>> {
  using type = StepList<Layout<S::to, typename A::Out, typename A::Target::RecordCodec, void>>;
};

// Nothing is left in a tree that was moved or dropped.
template <FixedText name, class S, class A, class... Known>
  requires((A::kind == ActionKind::move || A::kind == ActionKind::drop) && A::tree == name.view())
struct LayoutsAfter<name, S, A, StepList<Known...>> {
  using type = StepList<>;
};

template <FixedText name, class S, class List, class Known>
struct LayoutsAfterAll;
template <FixedText name, class S, class Known>
struct LayoutsAfterAll<name, S, Actions<>, Known> {
  using type = Known;
};
template <FixedText name, class S, class A, class... Rest, class Known>
struct LayoutsAfterAll<name, S, Actions<A, Rest...>, Known>
    : LayoutsAfterAll<name, S, Actions<Rest...>, typename LayoutsAfter<name, S, A, Known>::type> {};

template <FixedText name, std::uint32_t version, class Steps, class Known>
struct LayoutsAt;
template <FixedText name, std::uint32_t version, class Known>
struct LayoutsAt<name, version, StepList<>, Known> {
  using type = Known;
};
template <FixedText name, std::uint32_t version, class S, class... Rest, class Known>
  requires(S::to > version)
struct LayoutsAt<name, version, StepList<S, Rest...>, Known> {
  using type = Known;
};
template <FixedText name, std::uint32_t version, class S, class... Rest, class Known>
  requires(S::to <= version)
struct LayoutsAt<name, version, StepList<S, Rest...>, Known>
    : LayoutsAt<name, version, StepList<Rest...>,
                typename LayoutsAfterAll<name, S, typename ActionsOf<S>::type, Known>::type> {};

/// The layouts that the records of the tree `name` may have in a store of
/// `version`, the oldest first; none where no step up to then reads or writes
/// the tree.
template <class Chain, FixedText name, std::uint32_t version>
using layouts_at_t = typename LayoutsAt<name, version, typename Chain::Steps, StepList<>>::type;

template <std::size_t i, class List>
struct NthOf;
template <std::size_t i, class... T>
struct NthOf<i, StepList<T...>> : std::tuple_element<i, std::tuple<T...>> {};
template <std::size_t i, class List>
using nth_t = typename NthOf<i, List>::type;

/// The record of layout `i` as one of layout `last`: each conversion calls the
/// next, and the compiler makes one of them.
template <class Layouts, std::size_t i, std::size_t last>
[[nodiscard]] auto raise_record(const typename nth_t<i, Layouts>::Record& record) {
  if constexpr (i == last) {
    return record;
  } else if constexpr (i + 1 == last) {
    return nth_t<last, Layouts>::Action::convert(record);
  } else {
    return raise_record<Layouts, i + 1, last>(nth_t<i + 1, Layouts>::Action::convert(record));
  }
}

/// Calls `use` with the record in `bytes`, which is of layout `found`, as one
/// of layout `last`.
template <class Layouts, std::size_t last, class Answer, class Use>
Answer read_as(std::size_t found, BytesView bytes, Use&& use) {
  using Read = Answer (*)(BytesView, Use&);
  static constexpr auto table = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Read, sizeof...(i)>{[](BytesView from, Use& with) -> Answer {
      using L = nth_t<i, Layouts>;
      auto record = L::RecordCodec::template decode<typename L::Record>(from);
      if constexpr (i == last) {
        return with(std::move(record));
      } else {
        return with(raise_record<Layouts, i, last>(record));
      }
    }...};
  }(std::make_index_sequence<last + 1>());
  return table[found < last ? found : last](bytes, use);
}

/// The place in `Layouts` of the layout that is in force at `version`: the
/// first, for what is older than all.
template <class... L>
[[nodiscard]] constexpr std::size_t layout_at(StepList<L...>, std::uint32_t version) noexcept {
  std::size_t found = 0;
  std::size_t i = 0;
  ((found = version >= L::since ? i : found, ++i), ...);
  return found;
}

}  // namespace varve::detail
