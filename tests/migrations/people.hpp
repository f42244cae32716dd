// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed.hpp>
#include <varve/migrations/carry.hpp>
#include <varve/migrations/chain.hpp>
#include <varve/operations.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

/// A table that goes through every action: its records change, it is renamed, split into two,
/// merged again, and counted by code of one's own.
namespace varve_test::people {

struct PersonV1 {
  std::uint64_t id = 0;
  std::string name{};
  std::uint32_t age = 0;
};
struct PersonV2 {
  std::uint64_t id = 0;
  std::string name{};
  std::uint32_t born = 0;

  friend bool operator==(const PersonV2&, const PersonV2&) = default;
};

using Persons = varve::RecordTree<"persons", std::uint64_t>;
using People = varve::RecordTree<"people", std::uint64_t>;
using Young = varve::RecordTree<"young", std::uint64_t>;
using Elders = varve::RecordTree<"elders", std::uint64_t>;

template <std::uint32_t from>
struct Born : varve::Step<from, from + 1> {
  static constexpr auto description = "the year of birth, which stays";
  using Tree = Persons;
  using In = PersonV1;
  using Out = PersonV2;
  static Out convert(const In& person) {
    return varve::carry<Out>(person, varve::with<&Out::born>(2026 - person.age),
                             varve::without<&In::age>);
  }
  static In invert(const Out& person) {
    return varve::carry<In>(person, varve::with<&In::age>(2026 - person.born),
                            varve::without<&Out::born>);
  }
};

template <std::uint32_t from>
struct Rename : varve::Step<from, from + 1> {
  static constexpr auto description = "persons are people";
  using Actions = varve::Actions<varve::RenameTree<Persons, People, PersonV2>>;
};

using Kept = std::pair<std::uint64_t, PersonV2>;
using Moved = std::optional<Kept>;

inline Moved young(const std::uint64_t& id, const PersonV2& person) {
  return person.born >= 1980 ? Moved({id, person}) : std::nullopt;
}
inline Moved elder(const std::uint64_t& id, const PersonV2& person) {
  return person.born < 1980 ? Moved({id + 1000, person}) : std::nullopt;
}
inline Kept as_young(const std::uint64_t& id, const PersonV2& person) {
  return {id, person};
}
inline Kept as_elder(const std::uint64_t& id, const PersonV2& person) {
  return {id - 1000, person};
}

template <std::uint32_t from>
struct Split : varve::Step<from, from + 1> {
  static constexpr auto description = "by age, into two";
  using Actions =
      varve::Actions<varve::Move<People, Young, PersonV2, PersonV2, &young, &as_young>,
                     varve::Move<People, Elders, PersonV2, PersonV2, &elder, &as_elder>>;
};

template <std::uint32_t from, class Into>
struct Merge : varve::Step<from, from + 1> {
  static constexpr auto description = "and into one again";
  using Actions = varve::Actions<varve::Move<Young, Into, PersonV2, PersonV2, &as_young, &young>,
                                 varve::Move<Elders, Into, PersonV2, PersonV2, &as_elder, &elder>>;
};

/// Code of one's own: counts the records of a tree by what `group` makes of each, `at_once` of them
/// in a batch. What was counted so far is what the tree of counts has: done twice, it counts twice.
template <class From, int at_once, auto group>
inline constexpr auto count_by = [](auto& store, varve::BytesView cursor,
                                    varve::WriteBatch& batch) -> std::optional<std::string> {
  const varve::Tree people = *store.find_tree(From::name);
  const varve::Tree counts = store.open_tree("counts");
  std::map<std::string, std::uint64_t> groups;
  std::string last;
  int taken = 0;
  const std::string first = cursor.empty() ? std::string() : std::string(cursor) + '\0';
  for (auto scan = store.scan(people, varve::KeyRange::from(first)); scan.valid(); scan.next()) {
    if (++taken > at_once) break;
    last = scan.entry().key;
    ++groups[group(varve::Packed::decode<PersonV2>(scan.entry().value.substr(1)))];
  }
  for (const auto& [name, count] : groups) {
    const auto before = varve::get_copy(store, counts, name);
    batch.put(counts, name, std::to_string((before ? std::stoull(*before) : 0) + count));
  }
  if (taken <= at_once) return std::nullopt;
  return last;
};

}  // namespace varve_test::people
