// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"
#include "tables/records.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace varve_test {

/// What the tables hold, in std containers; every query is answered by looking at everything.
struct TableModel {
  std::map<Hash, Vertex> vertices;
  std::map<std::string, User> users;
  std::map<std::pair<Hash, Hash>, EdgeRecord> edges;

  /// Whether no two users have one email.
  [[nodiscard]] bool emails_are_unique() const {
    std::set<std::string> emails;
    for (const auto& [name, user] : users) {
      if (!emails.insert(user.email).second) return false;
    }
    return true;
  }

  friend bool operator==(const TableModel&, const TableModel&) = default;
};

using Random = std::mt19937_64;

[[nodiscard]] inline std::uint64_t below(Random& random, std::uint64_t count) {
  return random() % count;
}

[[nodiscard]] inline Vertex random_vertex(Random& random) {
  std::vector<std::uint64_t> parents(below(random, 4));
  for (auto& parent : parents) parent = below(random, 6);
  return vertex(below(random, 16), below(random, 5), std::int64_t(below(random, 9)) - 4,
                std::move(parents), std::string(below(random, 4), 'x'), below(random, 2) == 0);
}
[[nodiscard]] inline User random_user(Random& random) {
  return {"user" + std::to_string(below(random, 6)),
          std::string("e\0", 2) + std::to_string(below(random, 8)),
          static_cast<std::uint32_t>(below(random, 3))};
}
[[nodiscard]] inline EdgeRecord random_edge(Random& random) {
  return {hash_of(below(random, 4)), hash_of(below(random, 4)), std::to_string(random() % 10)};
}

template <class Rows>
[[nodiscard]] auto keys_of(const Rows& rows) {
  std::vector<typename Rows::Table::KeyType> keys;
  for (const auto& key : rows.keys()) keys.push_back(key);
  return keys;
}

/// The keys of those for which `part(value)` gives something, in the order of that and the key.
template <class Map, class PartsOf>
[[nodiscard]] auto model_keys(const Map& map, const PartsOf& parts_of) {
  using Part = typename std::remove_cvref_t<decltype(parts_of(map.begin()->second))>::value_type;
  std::set<std::pair<Part, typename Map::key_type>> sorted;
  for (const auto& [key, value] : map) {
    for (const Part& part : parts_of(value)) sorted.insert({part, key});
  }
  return sorted;
}

template <class Query, class Map, class PartsOf>
void check_index(const Query& query, const Map& map, const PartsOf& parts_of) {
  const auto sorted = model_keys(map, parts_of);
  std::vector<typename Map::key_type> expected;
  for (const auto& [part, key] : sorted) expected.push_back(key);
  CHECK(keys_of(query) == expected);
  std::reverse(expected.begin(), expected.end());
  CHECK(keys_of(query.descending()) == expected);
  for (const auto& [part, first_key] : sorted) {
    std::vector<typename Map::key_type> equal;
    std::vector<typename Map::key_type> from;
    for (const auto& [other, key] : sorted) {
      if (other == part) equal.push_back(key);
      if (!(other < part)) from.push_back(key);
    }
    CHECK(keys_of(query.prefix(part)) == equal);
    CHECK(keys_of(query.from(part)) == from);
    CHECK(query.prefix(part).first() == map.at(equal.front()));
    CHECK(query.prefix(part).last() == map.at(equal.back()));
  }
}

/// Compares everything that tables answer with the model.
template <class VerticesOn, class UsersOn, class EdgesOn>
void check_tables(const VerticesOn& vertices, const UsersOn& users, const EdgesOn& edges,
                  const TableModel& model) {
  const auto same_records = [](const auto& rows, const auto& map) {
    auto at = map.begin();
    for (const auto& record : rows) {
      if (at == map.end() || !(record == at->second)) return false;
      ++at;
    }
    return at == map.end();
  };
  CHECK(same_records(vertices.all(), model.vertices));
  CHECK(same_records(users.all(), model.users));
  CHECK(same_records(edges.all(), model.edges));
  for (std::uint64_t i = 0; i != 16; ++i) {
    const auto found = model.vertices.find(hash_of(i));
    CHECK(vertices.contains(hash_of(i)) == (found != model.vertices.end()));
    if (found != model.vertices.end()) CHECK(vertices.get(hash_of(i)) == found->second);
  }
  check_index(vertices.template by<"by_height">(), model.vertices,
              [](const Vertex& v) { return std::vector{v.height}; });
  check_index(vertices.template by<"by_time">(), model.vertices,
              [](const Vertex& v) { return std::vector{v.timestamp}; });
  check_index(vertices.template by<"by_parent">(), model.vertices,
              [](const Vertex& v) { return v.parents; });
  check_index(vertices.template by<"open_by_time">(), model.vertices, [](const Vertex& v) {
    return v.finalized ? std::vector<std::int64_t>{} : std::vector{v.timestamp};
  });
  check_index(vertices.template by<"by_size">(), model.vertices, [](const Vertex& v) {
    return std::vector{std::tuple(varve::Descending<std::uint64_t>{v.payload.size()}, v.height)};
  });
  check_index(users.template by<"by_email">(), model.users,
              [](const User& u) { return std::vector{u.email}; });
  check_index(users.template by<"by_age">(), model.users,
              [](const User& u) { return std::vector{u.age}; });
  for (const auto& entry : vertices.template by<"by_time">().entries()) {
    const Vertex& v = model.vertices.at(entry.key);
    CHECK(entry.stored == std::tuple(v.height, v.payload));
  }
  for (std::uint64_t from = 0; from != 4; ++from) {
    const auto count = std::count_if(model.edges.begin(), model.edges.end(), [&](const auto& edge) {
      return edge.first.first == hash_of(from);
    });
    CHECK(edges.prefix(hash_of(from)).count() == static_cast<std::uint64_t>(count));
  }
  CHECK(vertices.verify_indexes().good());
  CHECK(users.verify_indexes().good());
}

/// The three tables of a store, and one random change of them and of the model.
template <class Store>
struct ModelledTables {
  explicit ModelledTables(Store& in) : store(in), vertices(in), users(in), edges(in) {}

  void change(Random& random, TableModel& model) {
    switch (below(random, 8)) {
      case 0:
      case 1: {
        const Vertex v = random_vertex(random);
        vertices.put(v);
        model.vertices[v.id] = v;
        break;
      }
      case 2: {
        const Hash id = hash_of(below(random, 16));
        vertices.erase(id);
        model.vertices.erase(id);
        break;
      }
      case 3:
      case 4: {
        TableModel after = model;
        const User user = random_user(random);
        after.users[user.name] = user;
        attempt(model, std::move(after), [&] { users.put(user); });
        break;
      }
      case 5: {
        const std::string name = random_user(random).name;
        users.erase(name);
        model.users.erase(name);
        break;
      }
      default: {
        TableModel after = model;
        varve::TableBatch batch(store);
        fill(random, batch, after);
        attempt(model, std::move(after), [&] { batch.write(); });
      }
    }
  }

  void check(const TableModel& model) const { check_tables(vertices, users, edges, model); }

  Store& store;
  Vertices::On<Store> vertices;
  Users::On<Store> users;
  Edges::On<Store> edges;

 private:
  void fill(Random& random, varve::TableBatch<Store>& batch, TableModel& after) {
    for (std::uint64_t i = below(random, 9); i != 0; --i) {
      switch (below(random, 6)) {
        case 0:
        case 1: {
          const Vertex v = random_vertex(random);
          vertices.put(batch, v);
          after.vertices[v.id] = v;
          break;
        }
        case 2: {
          const Vertex v = random_vertex(random);
          vertices.erase(batch, v.id);
          after.vertices.erase(v.id);
          break;
        }
        case 3: {
          const User user = random_user(random);
          users.put(batch, user);
          after.users[user.name] = user;
          break;
        }
        case 4: {
          const User user = random_user(random);
          users.erase(batch, user.name);
          after.users.erase(user.name);
          break;
        }
        default: {
          const EdgeRecord edge = random_edge(random);
          edges.put(batch, edge);
          after.edges[{edge.from, edge.to}] = edge;
        }
      }
    }
  }

  /// Done where emails stay unique, refused with nothing changed where they would not.
  template <class Write>
  static void attempt(TableModel& model, TableModel after, const Write& write) {
    bool refused = false;
    try {
      write();
    } catch (const varve::UniqueViolation&) {
      refused = true;
    }
    CHECK(refused == !after.emails_are_unique());
    if (!refused) model = std::move(after);
  }
};

}  // namespace varve_test
