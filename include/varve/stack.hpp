// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace varve {

/// The parts of a stack as types, from the top layer down to the engine.
template <class... Parts>
struct Components {
  static constexpr std::size_t size = sizeof...(Parts);
};

namespace detail {

template <class Part, class List>
struct Prepend;
template <class Part, class... Parts>
struct Prepend<Part, Components<Parts...>> {
  using type = Components<Part, Parts...>;
};

template <class E>
struct ComponentsOf {
  using type = Components<E>;
};
template <LayerShape L>
struct ComponentsOf<L> {
  using type = typename Prepend<L, typename ComponentsOf<typename L::Next>::type>::type;
};

}  // namespace detail

template <class Stack>
using components_t = typename detail::ComponentsOf<Stack>::type;

/// Calls `visit.operator()<Part>()` for each part of `Stack`, from the top down.
template <class Stack, class Visit>
constexpr void for_each_component(Visit&& visit) {
  [&]<class... Parts>(Components<Parts...>) {
    (visit.template operator()<Parts>(), ...);
  }(components_t<Stack>{});
}

namespace detail {

template <class Stack>
consteval std::size_t count_role(Role role) {
  std::size_t count = 0;
  for_each_component<Stack>([&]<class Part>() {
    if constexpr (LayerShape<Part>) count += Part::role == role ? 1U : 0U;
  });
  return count;
}

/// Whether a layer of role `upper` stands anywhere above one of role `lower`.
template <class Stack>
consteval bool stands_above(Role upper, Role lower) {
  bool seen = false;
  bool found = false;
  for_each_component<Stack>([&]<class Part>() {
    if constexpr (LayerShape<Part>) {
      found = found || (seen && Part::role == lower);
      seen = seen || Part::role == upper;
    }
  });
  return found;
}

/// Whether a layer stands directly on another of its kind.
template <class Stack>
consteval bool repeats() {
  bool found = false;
  BytesView above;
  for_each_component<Stack>([&]<class Part>() {
    found = found || above == BytesView(Part::name);
    above = Part::name;
  });
  return found;
}

/// Whether only layers that look on stand above the one that migrates.
template <class Stack>
consteval bool migrates_on_top() {
  bool changed = false;
  bool good = true;
  for_each_component<Stack>([&]<class Part>() {
    if constexpr (LayerShape<Part>) {
      good = good && !(Part::role == Role::migrates && changed);
      changed = changed || Part::role != Role::observes;
    }
  });
  return good;
}

template <class Part>
consteval bool part_needs_directory() {
  if constexpr (LayerShape<Part>) {
    return Part::needs_directory;
  } else {
    return std::is_constructible_v<Part, const std::string&>;
  }
}

template <class Stack>
consteval bool any_needs_directory() {
  bool needed = false;
  for_each_component<Stack>([&]<class Part>() { needed = needed || part_needs_directory<Part>(); });
  return needed;
}

}  // namespace detail

/// Whether `varve::open` must be given a directory for `Stack`.
template <class Stack>
inline constexpr bool needs_directory = detail::any_needs_directory<Stack>();

/// Checks a stack from the engine up: each part by its loud twin, then the order of the layers.
/// docs/concepts/layer.md has the rules.
template <class Stack>
consteval bool assert_stack() {
  if constexpr (detail::LayerShape<Stack>) {
    assert_stack<typename Stack::Next>();
    assert_layer<Stack>();
  } else {
    assert_kv_engine<Stack>();
  }
  static_assert(!detail::repeats<Stack>(),
                "a layer stands directly on another of its kind: take one of them out");
  static_assert(detail::count_role<Stack>(Role::caches) <= 1,
                "a stack has at most one cache: a second would hold the same values again");
  static_assert(detail::count_role<Stack>(Role::logs) <= 1,
                "a stack has at most one write-ahead log: a second would log every batch twice");
  static_assert(detail::count_role<Stack>(Role::versions) <= 1,
                "a stack has at most one layer of history: heights of heights make no sense");
  static_assert(detail::count_role<Stack>(Role::migrates) <= 1,
                "a stack has at most one schema: join the two chains");
  static_assert(!detail::stands_above<Stack>(Role::buffers, Role::logs),
                "a write buffer stands above the log: a write would be acknowledged before it is "
                "logged; put the buffer below the log, as in Wal<Buffered<Engine>>");
  static_assert(!detail::stands_above<Stack>(Role::caches, Role::versions) &&
                    !detail::stands_above<Stack>(Role::buffers, Role::versions) &&
                    !detail::stands_above<Stack>(Role::logs, Role::versions),
                "a cache, a buffer or a log stands above the layer of history, and would not see "
                "what a rollback takes back: put it below, as in Versioned<Cached<Wal<Engine>>>");
  static_assert(detail::migrates_on_top<Stack>(),
                "the layer that migrates stands below a layer that would see records of the old "
                "schema: put Migrated on top, with only layers above it that look on");
  return true;
}

}  // namespace varve
