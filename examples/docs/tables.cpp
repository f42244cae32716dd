// SPDX-License-Identifier: Apache-2.0
//
// The code of docs/guide/tables.md.

#include <varve/adapters/memory.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/table.hpp>
#include <varve/tables/counters.hpp>
#include <varve/tables/multimap.hpp>
#include <varve/tables/queue.hpp>
#include <varve/tables/range_v3.hpp>
#include <varve/tables/sequence.hpp>
#include <varve/tables/set.hpp>

#include <range/v3/view/reverse.hpp>
#include <range/v3/view/take.hpp>

#include <array>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

// [record]
using Hash = std::array<std::uint8_t, 32>;

struct Vertex {
  Hash id{};
  std::uint64_t height = 0;
  std::int64_t timestamp = 0;
  std::vector<Hash> parents;
  std::string payload;
  bool finalized = false;
};

bool is_open(const Vertex& vertex) {
  return !vertex.finalized;
}

using Vertices = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, varve::Packed,
                              varve::Index<"by_height", &Vertex::height>,
                              varve::Index<"by_time", &Vertex::timestamp>,
                              varve::Index<"by_parent", varve::each<&Vertex::parents>>,
                              varve::Index<"open_by_time", varve::where<&is_open>,
                                           &Vertex::timestamp, varve::stores<&Vertex::height>>>;
// [/record]

// [edges]
struct Edge {
  Hash from{};
  Hash to{};
  std::uint32_t weight = 0;
};

using Edges = varve::Table<"edges", varve::Key<&Edge::from, &Edge::to>, Edge, varve::Packed>;
// [/edges]

// [unique]
struct User {
  std::string name;
  std::string email;
};

using Users = varve::Table<"users", varve::Key<&User::name>, User, varve::Packed,
                           varve::Unique<"by_email", &User::email>>;
// [/unique]

// [containers]
using Seen = varve::Set<"seen", Hash>;
using Children = varve::Multimap<"children", Hash, Hash>;
using Hits = varve::Counters<"hits", std::string>;
using Ids = varve::Sequence<"ids">;
using Jobs = varve::Queue<"jobs", std::string, varve::Packed>;
// [/containers]

namespace {

Hash hash(std::uint8_t number) {
  Hash hash{};
  hash.back() = number;
  return hash;
}

void basics(varve::MemoryAdapter& store) {
  // [handle]
  const Vertices::On vertices{store};
  vertices.put({.id = hash(1), .height = 0, .timestamp = 100, .parents = {}, .payload = "root"});
  vertices.put(
      {.id = hash(2), .height = 1, .timestamp = 130, .parents = {hash(1)}, .payload = "left"});
  vertices.put(
      {.id = hash(3), .height = 1, .timestamp = 120, .parents = {hash(1)}, .payload = "right"});

  if (const auto found = vertices.get(hash(1))) std::cout << found->payload << '\n';
  if (const auto view = vertices.view(hash(1))) {
    std::cout << view->get<&Vertex::payload>() << ", in place\n";
  }
  vertices.erase(hash(9));  // is not there: nothing happens
  // [/handle]

  // [queries]
  for (const Vertex& vertex : vertices.by<"by_height">().equal(1U)) {
    std::cout << "at height 1: " << int{vertex.id.back()} << '\n';
  }
  for (const Vertex& vertex : vertices.by<"by_time">().between(100, 130) | ranges::views::reverse |
                                  ranges::views::take(10)) {
    std::cout << "back in time: " << vertex.timestamp << '\n';
  }
  std::cout << vertices.by<"by_parent">().equal(hash(1)).count() << " children\n";
  // [/queries]

  // [entries]
  for (const auto& entry : vertices.by<"open_by_time">().entries()) {
    std::cout << "open since " << std::get<0>(entry.parts) << " at height "
              << std::get<0>(entry.stored) << '\n';
  }
  // [/entries]

  // [pages]
  std::string token;
  do {
    const auto page = vertices.by<"by_time">().page(2, token);
    std::cout << "a page of " << page.rows.size() << '\n';
    token = page.next;
  } while (!token.empty());
  // [/pages]

  // [batch]
  const Edges::On edges{store};
  varve::TableBatch batch(store);
  vertices.put(
      batch,
      {.id = hash(4), .height = 2, .timestamp = 140, .parents = {hash(2)}, .payload = "tip"});
  edges.put(batch, {.from = hash(4), .to = hash(2), .weight = 7});
  batch.write();
  // [/batch]

  // [join]
  for (const Edge& edge : edges.prefix(hash(4))) {
    if (const auto to = vertices.get(edge.to)) std::cout << "an edge to " << to->height << '\n';
  }
  // [/join]

  // [snapshot]
  const auto snapshot = store.snapshot();
  vertices.erase(hash(4));
  std::cout << vertices.at(snapshot).count() << " before, " << vertices.count() << " now\n";
  // [/snapshot]

  // [verify]
  const varve::IndexReport report = vertices.verify_indexes();
  for (const varve::IndexProblem& problem : report.problems) {
    std::cout << problem.index << ": " << to_string(problem.fault) << '\n';
  }
  if (!report.good()) vertices.rebuild<"by_time">();
  // [/verify]
  std::cout << to_string(varve::recorded_tables(store)[0]);
}

void unique(varve::MemoryAdapter& store) {
  const Users::On users{store};
  // [violation]
  users.put({"ann", "mail@example.org"});
  try {
    users.put({"bob", "mail@example.org"});
  } catch (const varve::UniqueViolation& error) {
    std::cout << error.what() << '\n';
  }
  // [/violation]
}

void containers(varve::MemoryAdapter& store) {
  // [use_containers]
  const Seen::On seen{store};
  seen.insert(hash(1));

  const Children::On children{store};
  children.insert(hash(1), hash(2));
  for (const auto& [parent, child] : children.equal(hash(1))) {
    std::cout << int{parent.back()} << " has " << int{child.back()} << '\n';
  }

  const Hits::On hits{store};
  hits.add("index.html");

  Ids::On ids{store};
  const std::uint64_t id = ids.next();

  Jobs::On jobs{store};
  jobs.push("count to " + std::to_string(id));
  while (const auto job = jobs.pop()) std::cout << *job << '\n';
  // [/use_containers]
}

}  // namespace

int main() {
  varve::MemoryAdapter store;
  basics(store);
  unique(store);
  containers(store);
}
