// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/actions.hpp>
#include <varve/migrations/step.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

template <class... Parts>
struct MigrationChain;

namespace detail {

template <class... T>
struct StepList {
  static constexpr std::size_t size = sizeof...(T);
};

template <class... Lists>
struct Joined;
template <>
struct Joined<> {
  using type = StepList<>;
};
template <class... T>
struct Joined<StepList<T...>> {
  using type = StepList<T...>;
};
template <class... A, class... B, class... Rest>
struct Joined<StepList<A...>, StepList<B...>, Rest...> : Joined<StepList<A..., B...>, Rest...> {};

template <class Part>
struct StepsOf {
  static_assert(assert_migration<Part>());
  using type = StepList<Part>;
};
template <class... Parts>
struct StepsOf<MigrationChain<Parts...>> {
  using type = typename Joined<typename StepsOf<Parts>::type...>::type;
};

/// A step that says what it does in the few words for one tree.
template <class S>
concept RewritesOneTree = requires {
  typename S::Tree;
  typename S::In;
  typename S::Out;
};

template <class S>
struct ActionsOf {
  using type = Actions<>;
};
template <class S>
  requires requires { typename S::Actions; }
struct ActionsOf<S> {
  using type = typename S::Actions;
};
template <class S>
struct Conversions {
  static auto convert(const typename S::In& record) { return S::convert(record); }
  static auto invert(const typename S::Out& record) { return S::invert(record); }
};

template <RewritesOneTree S>
struct ActionsOf<S> {
  using type =
      Actions<Rewrite<typename S::Tree, typename S::In, typename S::Out, &Conversions<S>::convert>>;
};
template <RewritesOneTree S>
  requires requires(const typename S::Out& record) { S::invert(record); }
struct ActionsOf<S> {
  using type = Actions<Rewrite<typename S::Tree, typename S::In, typename S::Out,
                               &Conversions<S>::convert, &Conversions<S>::invert>>;
};

template <class T>
inline constexpr char type_mark = 0;

/// What the checks know of an action, without its types.
struct ActionFacts {
  BytesView source{};
  BytesView target{};
  // Asked for by a flag: g++ 12 with sanitizers takes no address for known to be other than null.
  bool converts = false;
  const void* in = nullptr;
  const void* out = nullptr;
  std::size_t step = 0;
  ActionKind kind{};
};

template <class A>
constexpr ActionFacts facts_of(std::size_t step) {
  static_assert(ChainAction<A>, "an action of a step is a Rewrite, a Move, a CreateTree ...");
  ActionFacts facts{.source = A::tree, .target = A::tree, .step = step, .kind = A::kind};
  if constexpr (requires { A::target; }) facts.target = A::target;
  if constexpr (requires { typename A::In; }) {
    facts.converts = true;
    facts.in = &type_mark<typename A::In>;
    facts.out = &type_mark<typename A::Out>;
  }
  return facts;
}

template <class... Steps>
consteval auto all_facts(StepList<Steps...>) {
  constexpr std::size_t count = (std::size_t{0} + ... + ActionsOf<Steps>::type::size);
  std::array<ActionFacts, count> facts{};
  std::size_t at = 0;
  std::size_t step = 0;
  const auto add = [&]<class... A>(Actions<A...>) {
    ((facts[at++] = facts_of<A>(step)), ...);
    ++step;
  };
  (add(typename ActionsOf<Steps>::type{}), ...);
  return facts;
}

/// The action that last wrote records to the tree that action `index` reads; itself if none did.
template <class Facts>
consteval std::size_t writer_before(const Facts& facts, std::size_t index) {
  for (std::size_t i = index; i != 0; --i) {
    const ActionFacts& before = facts[i - 1];
    // The moves out of a tree within one step all read what was there before it.
    if (before.step == facts[index].step && before.kind == ActionKind::move &&
        before.source == facts[index].source) {
      continue;
    }
    if (before.converts && before.target == facts[index].source) return i - 1;
  }
  return index;
}

/// The first action whose records are not of the type that was written before it.
template <class Facts>
consteval std::size_t first_out_of_line(const Facts& facts) {
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (!facts[i].converts) continue;
    const std::size_t before = writer_before(facts, i);
    if (before != i && facts[before].out != facts[i].in) return i;
  }
  return facts.size();
}

/// The first action that uses a tree which an earlier one dropped.
template <class Facts>
consteval std::size_t first_after_drop(const Facts& facts) {
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (facts[i].kind == ActionKind::create) continue;
    for (std::size_t j = i; j != 0; --j) {
      const ActionFacts& before = facts[j - 1];
      if (before.kind == ActionKind::create && before.source == facts[i].source) break;
      if (before.kind == ActionKind::move && before.target == facts[i].source) break;
      if (before.kind == ActionKind::drop && before.source == facts[i].source) return i;
    }
  }
  return facts.size();
}

template <class Before, class After>
struct Adjacent {
  static_assert(After::from >= Before::to,
                "the steps of a chain are in the wrong order: a step stands "
                "behind one that leads "
                "further");
  static_assert(After::from <= Before::to,
                "a chain has a gap: no step leads from the version where one "
                "step ends to the "
                "version where the next one begins");
  static constexpr bool proved = true;
};

template <class S>
consteval bool every_action_inverts() {
  return []<class... A>(Actions<A...>) {
    return (A::invertible && ...);
  }(typename ActionsOf<S>::type{});
}

/// Whether a step may be lazy: what it does to records can be done as they are read.
template <class S>
consteval bool converts_in_place() {
  return []<class... A>(Actions<A...>) {
    return ((A::kind == ActionKind::rewrite || A::kind == ActionKind::create ||
             A::kind == ActionKind::drop) &&
            ...);
  }(typename ActionsOf<S>::type{});
}

/// Whether code of its own is all that a step does, if it has any.
template <class S>
consteval bool custom_is_alone() {
  return []<class... A>(Actions<A...>) {
    return sizeof...(A) == 1 || ((A::kind != ActionKind::custom) && ...);
  }(typename ActionsOf<S>::type{});
}

template <class S>
struct Proved {
  static_assert(S::pace == eager || converts_in_place<S>(),
                "a lazy step converts records where they are: one that moves them, has to do with "
                "an index or runs code of its own is eager");
  static_assert(custom_is_alone<S>(),
                "code of one's own stands alone in its step: put the other actions into a step "
                "before it or behind it");
  static_assert(S::loss.lossy || S::loss.reason.empty(),
                "a lossless step gives no reason: lossy(\"why\") is what has one");
  static_assert(!S::loss.lossy || !S::loss.reason.empty(),
                "a lossy step says what it loses: lossy(\"cumulative_work: "
                "recomputable\")");
  static_assert(S::loss.lossy || every_action_inverts<S>(),
                "a lossless step has an inverse for each conversion and drops "
                "no tree: give the "
                "inverse, or declare `static constexpr auto loss = "
                "varve::lossy(\"why\")`");
  static constexpr bool proved = true;
};

template <class... Before, class... After>
consteval bool in_line(StepList<Before...>, StepList<After...>) {
  return (Adjacent<Before, After>::proved && ...);
}

template <class... Steps>
consteval bool in_order(StepList<Steps...>) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    using All = std::tuple<Steps...>;
    return in_line(StepList<std::tuple_element_t<i, All>...>{},
                   StepList<std::tuple_element_t<i + 1, All>...>{});
  }(std::make_index_sequence<sizeof...(Steps) - 1>());
}

template <class... Steps>
consteval bool each_proved(StepList<Steps...>) {
  return (Proved<Steps>::proved && ...);
}

template <class List>
struct ChainProof {
  static_assert(in_order(List{}));
  static_assert(each_proved(List{}));

  static constexpr auto facts = all_facts(List{});
  static_assert(first_out_of_line(facts) == facts.size(),
                "the types of two steps do not line up: one reads records of "
                "another type than the "
                "step before it wrote to that tree");
  static_assert(first_after_drop(facts) == facts.size(),
                "a step uses a tree that an earlier step dropped: create it again first");
  static constexpr bool proved = true;
};

}  // namespace detail

/// A schema: its steps in order, from the oldest version that it can read to
/// the newest. A part may be a chain itself, so that a long one can be spread
/// over headers.
///
/// What does not fit together does not compile: a gap, a wrong order, types
/// that do not line up, a lossy step without a reason, a lossless one without
/// an inverse, keys rewritten inside the tree that is read, a tree that is used
/// after it was dropped.
template <class... Parts>
struct MigrationChain {
  using Steps = typename detail::Joined<typename detail::StepsOf<Parts>::type...>::type;
  static_assert(Steps::size != 0, "a chain has at least one step");
  static_assert(detail::ChainProof<Steps>::proved);

  static constexpr std::uint32_t oldest =
      []<class First, class... Rest>(detail::StepList<First, Rest...>) {
        return First::from;
      }(Steps{});
  static constexpr std::uint32_t latest = oldest + static_cast<std::uint32_t>(Steps::size);

  /// Whether every step between `version` and the latest can be taken back.
  static consteval bool leads_back_to(std::uint32_t version) {
    return [&]<class... S>(detail::StepList<S...>) {
      return version >= oldest && version <= latest &&
             ((S::to <= version || !S::loss.lossy) && ...);
    }(Steps{});
  }
};

}  // namespace varve
