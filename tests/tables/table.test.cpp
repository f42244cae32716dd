// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/operations.hpp>
#include <varve/table.hpp>
#include <varve/tables/range_v3.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "tables/records.hpp"

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <ranges>
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using namespace varve_test;
using varve::Error;
using varve::ErrorKind;
using varve::KeyRange;
using varve::MemoryAdapter;

namespace {

template <class Rows>
auto listed(const Rows& rows) {
  std::vector<typename Rows::Row> all;
  for (auto&& row : rows) all.push_back(row);
  return all;
}

template <class Call>
std::optional<ErrorKind> kind_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    INFO(error.what());
    return error.kind();
  }
  return std::nullopt;
}

template <class Call>
std::string words_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// What a store counts of its writes.
class Watched {
 public:
  static constexpr varve::BytesView name = "watched";

  [[nodiscard]] auto get(varve::Tree tree, varve::BytesView key) const {
    return engine_.get(tree, key);
  }
  [[nodiscard]] bool contains(varve::Tree tree, varve::BytesView key) const {
    return engine_.contains(tree, key);
  }
  [[nodiscard]] auto scan(varve::Tree tree, KeyRange range,
                          varve::Order order = varve::Order::ascending) const {
    return engine_.scan(tree, range, order);
  }
  void write(const varve::WriteBatch& batch,
             varve::Durability durability = varve::Durability::synced) {
    ++batches;
    last = batch;
    last_durability = durability;
    engine_.write(batch, durability);
  }
  varve::Tree open_tree(varve::BytesView tree) { return engine_.open_tree(tree); }
  [[nodiscard]] std::optional<varve::Tree> find_tree(varve::BytesView tree) const {
    return engine_.find_tree(tree);
  }
  void drop_tree(varve::Tree tree) { engine_.drop_tree(tree); }
  [[nodiscard]] std::vector<varve::TreeInfo> trees() const { return engine_.trees(); }
  void flush() { engine_.flush(); }
  [[nodiscard]] std::uint64_t size_on_disk() const { return engine_.size_on_disk(); }
  [[nodiscard]] varve::Limits limits() const { return engine_.limits(); }

  int batches = 0;
  varve::WriteBatch last;
  varve::Durability last_durability{};

 private:
  varve::testing::MinimalEngine engine_;
};
static_assert(varve::KvEngine<Watched>);

}  // namespace

TEST_CASE("Table: what is put is got, and what is erased is gone") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  const Vertex v = vertex(1, 10, 100, {7, 8}, "hello");
  CHECK_FALSE(vertices.get(v.id));
  vertices.put(v);
  CHECK(vertices.get(v.id) == v);
  CHECK(vertices.contains(v.id));
  CHECK(vertices.view(v.id)->payload == "hello");
  CHECK_FALSE(vertices.view(hash_of(2)));
  CHECK(kind_of([&] { (void)vertices.view(hash_of(2))->height; }) == ErrorKind::invalid_argument);
  vertices.erase(v.id);
  CHECK_FALSE(vertices.contains(v.id));
  CHECK(vertices.verify_indexes().good());
  CHECK(vertices.verify_indexes().entries == 0);
}

TEST_CASE("Table: every kind of index answers") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  vertices.put(vertex(1, 10, 100, {}, "aaaa"));
  vertices.put(vertex(2, 11, 90, {1}, "bb", true));
  vertices.put(vertex(3, 11, 95, {1, 2, 1}, "cc"));
  const auto ids = [](const auto& rows) { return listed(rows.keys()); };
  using Ids = std::vector<Hash>;
  CHECK(ids(vertices.by<"by_height">().equal(11U)) == Ids{hash_of(2), hash_of(3)});
  CHECK(ids(vertices.by<"by_height">().equal(12U)).empty());
  CHECK(ids(vertices.by<"by_time">().between(90, 100)) == Ids{hash_of(2), hash_of(3)});
  CHECK(ids(vertices.by<"by_time">().from(95)) == Ids{hash_of(3), hash_of(1)});
  CHECK(ids(vertices.by<"by_time">().until(95)) == Ids{hash_of(2)});
  CHECK(ids(vertices.by<"by_parent">().equal(hash_of(1))) == Ids{hash_of(2), hash_of(3)});
  CHECK(vertices.by<"by_parent">().count() == 3);
  CHECK(ids(vertices.by<"open_by_time">()) == Ids{hash_of(3), hash_of(1)});
  CHECK(ids(vertices.by<"by_size">()) == Ids{hash_of(1), hash_of(2), hash_of(3)});
  CHECK(ids(vertices.by<"by_size">().prefix(varve::Descending<std::uint64_t>{2})) ==
        Ids{hash_of(2), hash_of(3)});
  CHECK(vertices.by<"by_time">().first()->id == hash_of(2));
  CHECK(vertices.by<"by_time">().last()->id == hash_of(1));
  CHECK(vertices.by<"by_time">().from(1000).empty());
  CHECK_FALSE(vertices.by<"by_time">().from(1000).first());

  const auto entry = *vertices.by<"by_time">().entries().first();
  CHECK(std::get<0>(entry.parts) == 90);
  CHECK(entry.key == hash_of(2));
  CHECK(entry.stored == std::tuple<std::uint64_t, std::string>(11, "bb"));

  vertices.put(vertex(2, 12, 90, {3}, "bb", false));
  CHECK(ids(vertices.by<"by_height">().equal(11U)) == Ids{hash_of(3)});
  CHECK(ids(vertices.by<"by_parent">().equal(hash_of(3))) == Ids{hash_of(2)});
  CHECK(ids(vertices.by<"open_by_time">()) == Ids{hash_of(2), hash_of(3), hash_of(1)});
  CHECK(std::get<0>(vertices.by<"by_time">().entries().first()->stored) == 12);
  CHECK(vertices.verify_indexes().good());
}

TEST_CASE("Table: rows are ranges of std and of range-v3") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  for (std::uint64_t i = 0; i != 20; ++i) vertices.put(vertex(i, i / 2, std::int64_t(i)));
  static_assert(std::ranges::input_range<decltype(vertices.all())>);
  static_assert(std::ranges::view<decltype(vertices.by<"by_time">())>);

  std::vector<std::int64_t> times;
  for (const Vertex& v :
       vertices.by<"by_time">().between(5, 15) | varve::views::reverse | std::views::take(3)) {
    times.push_back(v.timestamp);
  }
  CHECK(times == std::vector<std::int64_t>{14, 13, 12});
  times = vertices.by<"by_time">().between(5, 15) | varve::views::reverse |
          ranges::views::filter([](const Vertex& v) { return v.timestamp % 2 == 0; }) |
          ranges::views::transform(&Vertex::timestamp) | ranges::views::take(2) |
          ranges::to<std::vector>();
  CHECK(times == std::vector<std::int64_t>{14, 12});
  times = vertices.by<"by_time">().between(5, 15) | ranges::views::reverse |
          ranges::views::take(2) | ranges::views::transform(&Vertex::timestamp) |
          ranges::to<std::vector>();
  CHECK(times == std::vector<std::int64_t>{14, 13});
  const auto rows = vertices.all();
  CHECK(std::ranges::count_if(rows, is_open) == 20);
  CHECK(std::ranges::count_if(rows, is_open) == 20);
  std::uint64_t heights = 0;
  for (const auto& view : vertices.by<"by_height">().prefix(3U).views()) heights += view.height;
  CHECK(heights == 6);
}

TEST_CASE("Table: keys of several parts") {
  MemoryAdapter store;
  const Edges::On edges{store};
  for (std::uint64_t from = 0; from != 4; ++from) {
    for (std::uint64_t to = 0; to != 3; ++to) {
      edges.put({hash_of(from), hash_of(to), std::to_string(from) + std::to_string(to)});
    }
  }
  CHECK(edges.get(hash_of(2), hash_of(1))->note == "21");
  CHECK(edges.get(std::tuple(hash_of(2), hash_of(1)))->note == "21");
  CHECK(edges.prefix(hash_of(1)).count() == 3);
  CHECK(listed(edges.prefix(hash_of(1)).descending()).front().note == "12");
  CHECK(edges.between(std::tuple(hash_of(1), hash_of(2)), hash_of(3)).count() == 4);
  edges.erase(hash_of(1), hash_of(0));
  CHECK(edges.prefix(hash_of(1)).count() == 2);
  CHECK(edges.count() == 11);
}

TEST_CASE("Table: an update that changes no indexed field writes no index entry") {
  Watched store;
  const Vertices::On vertices{store};
  Vertex v = vertex(1, 10, 100, {7, 8}, "abc");
  vertices.put(v);
  CHECK(store.last.count() == 7);
  vertices.put(v);
  CHECK(store.last.count() == 1);
  v.payload = "xyz";  // stored in by_time
  vertices.put(v);
  CHECK(store.last.count() == 2);
  v.parents = {hash_of(8), hash_of(9)};
  vertices.put(v);
  CHECK(store.last.count() == 3);
  v.finalized = true;
  vertices.put(v);
  CHECK(store.last.count() == 2);
  const int before = store.batches;
  vertices.erase(v.id);
  CHECK(store.last.count() == 6);
  CHECK(store.batches == before + 1);
  CHECK(vertices.verify_indexes().good());
}

TEST_CASE("Table: a record is put and erased as durably as is asked") {
  using varve::Durability;
  Watched store;
  const Vertices::On vertices{store};
  const Edges::On edges{store};
  const Vertex v = vertex(1, 10, 100);
  const EdgeRecord edge{hash_of(1), hash_of(2), "e"};
  for (const Durability durability : {Durability::buffered, Durability::synced}) {
    vertices.put(v, durability);
    CHECK(store.last_durability == durability);
    vertices.erase(v.id, durability);
    CHECK(store.last_durability == durability);
    edges.put(edge, durability);
    edges.erase(edge.from, edge.to, durability);
    CHECK(store.last_durability == durability);
    edges.put(edge, durability);
    edges.erase(std::tuple(edge.from, edge.to), durability);
    CHECK(store.last_durability == durability);
    CHECK(edges.count() == 0);
    CHECK(vertices.count() == 0);
  }
  vertices.erase(v.id);
  CHECK(store.last_durability == Durability::synced);
}

TEST_CASE("Table: a unique index names table, index and both keys, and nothing is changed") {
  MemoryAdapter store;
  const Users::On users{store};
  users.put({"ann", "a@x", 1});
  users.put({"bob", "b@x", 2});
  try {
    users.put({"cyd", "a@x", 3});
    FAIL("it was put");
  } catch (const varve::UniqueViolation& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK(error.table() == "users");
    CHECK(error.index() == "by_email");
    CHECK(varve::Ordered::decode<std::string>(error.key()) == "cyd");
    CHECK(varve::Ordered::decode<std::string>(error.held_by()) == "ann");
    CHECK(varve::Ordered::decode<std::string>(error.entry()) == "a@x");
    CHECK_THAT(error.what(), ContainsSubstring("'by_email' of table 'users'"));
  }
  CHECK_FALSE(users.get("cyd"));
  CHECK(kind_of([&] { users.put({"bob", "a@x", 2}); }) == ErrorKind::invalid_argument);
  CHECK(users.get("bob")->email == "b@x");
  users.put({"bob", "b@x", 3});
  CHECK(users.by<"by_email">().equal("b@x").first()->age == 3);
  users.erase("ann");
  users.put({"cyd", "a@x", 3});
  CHECK(users.by<"by_email">().equal("a@x").first()->name == "cyd");
  CHECK(users.verify_indexes().good());
}

TEST_CASE("Table: an element that a record has twice is one entry, of a unique index too") {
  using Named = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, Plain,
                             varve::Unique<"by_child", varve::each<&Vertex::parents>>>;
  MemoryAdapter store;
  const Named::On vertices{store};
  vertices.put(vertex(1, 1, 1, {5, 6, 5}));
  vertices.put(vertex(1, 2, 1, {6, 5, 6, 5}));
  CHECK(vertices.by<"by_child">().count() == 2);
  CHECK(kind_of([&] { vertices.put(vertex(2, 1, 1, {7, 6})); }) == ErrorKind::invalid_argument);
  CHECK(vertices.verify_indexes().good());
}

TEST_CASE("TableBatch: many tables in one batch, judged by the state after it") {
  MemoryAdapter store;
  const Users::On users{store};
  const Edges::On edges{store};
  users.put({"ann", "a@x", 1});
  users.put({"bob", "b@x", 2});
  varve::TableBatch batch(store);
  users.put(batch, {"ann", "b@x", 1});  // they change places
  users.put(batch, {"bob", "a@x", 2});
  users.put(batch, {"cyd", "first@x", 3});
  users.put(batch, {"cyd", "c@x", 4});
  users.put(batch, {"dan", "d@x", 4});
  users.erase(batch, "dan");
  edges.put(batch, {hash_of(1), hash_of(2), "e"});
  CHECK(batch.count() == 7);
  CHECK(users.count() == 2);
  batch.write();
  CHECK(users.by<"by_email">().equal("a@x").first()->name == "bob");
  CHECK(users.by<"by_email">().equal("b@x").first()->name == "ann");
  CHECK_FALSE(users.by<"by_email">().equal("first@x").first());
  CHECK(users.get("cyd")->age == 4);
  CHECK_FALSE(users.get("dan"));
  CHECK(edges.count() == 1);
  CHECK(users.verify_indexes().good());

  varve::TableBatch clash(store);
  users.put(clash, {"eve", "e@x", 1});
  users.put(clash, {"fay", "e@x", 1});
  edges.erase(clash, hash_of(1), hash_of(2));
  CHECK(kind_of([&] { clash.write(); }) == ErrorKind::invalid_argument);
  CHECK_FALSE(users.get("eve"));
  CHECK(edges.count() == 1);

  MemoryAdapter other;
  varve::TableBatch foreign(other);
  CHECK(kind_of([&] { users.put(foreign, {"x", "y", 1}); }) == ErrorKind::invalid_argument);

  varve::WriteBatch plain;
  edges.put(plain, {hash_of(5), hash_of(6), "plain"});
  edges.erase(plain, hash_of(1), hash_of(2));
  store.write(plain);
  CHECK(listed(edges.all()).front().note == "plain");
}

TEST_CASE("TableBatch: what is in it is not read before it is written") {
  MemoryAdapter store;
  const Users::On users{store};
  users.put({"ann", "a@x", 1});
  varve::TableBatch batch(store);
  users.put(batch, {"ann", "a@y", 2});
  users.put(batch, {"bob", "b@x", 2});
  CHECK(users.get("ann")->age == 1);
  CHECK_FALSE(users.contains("bob"));
  CHECK(users.by<"by_email">().equal("a@y").empty());
  batch.write();
  CHECK(users.get("ann")->age == 2);
  CHECK(users.contains("bob"));
}

TEST_CASE("TableBatch: a put between the batch and its write does not leave a stale entry") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  varve::TableBatch batch(store);
  vertices.put(batch, vertex(1, 1, 1));
  vertices.put(vertex(1, 2, 2, {9}));
  batch.write();
  CHECK(vertices.get(hash_of(1))->height == 1);
  CHECK(vertices.verify_indexes().good());
  CHECK(vertices.by<"by_height">().count() == 1);
}

TEST_CASE("Table: a snapshot gives a table that reads the past") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  vertices.put(vertex(1, 1, 1));
  const auto snapshot = store.snapshot();
  vertices.put(vertex(1, 2, 2));
  vertices.put(vertex(2, 1, 3));
  const auto past = vertices.at(snapshot);
  CHECK(past.get(hash_of(1))->height == 1);
  CHECK(past.by<"by_height">().count() == 1);
  CHECK(past.by<"by_height">().equal(2U).empty());
  CHECK(past.by<"by_height">().equal(1U).first()->id == hash_of(1));
  CHECK(past.verify_indexes().good());

  const MemoryAdapter& read_only = store;
  const Vertices::On looked_at{read_only};
  CHECK(looked_at.count() == 2);
  CHECK(kind_of([&] { const Users::On users{read_only}; }) == ErrorKind::invalid_argument);
}

TEST_CASE("Rows: pages go on where they ended, whatever is written between") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  for (std::uint64_t i = 0; i != 25; ++i) vertices.put(vertex(i, i % 3, std::int64_t(i)));
  for (const bool down : {false, true}) {
    auto rows = vertices.by<"by_height">().from(1U);
    if (down) rows = rows.descending();
    std::vector<Vertex> paged;
    std::string token;
    int pages = 0;
    do {
      auto page = rows.page(4, token);
      paged.insert(paged.end(), page.rows.begin(), page.rows.end());
      token = page.next;
      ++pages;
    } while (!token.empty());
    CHECK(paged == listed(rows));
    CHECK(pages == 4);
  }
  const auto rows = vertices.by<"by_height">().from(1U);
  const std::string token = rows.page(4).next;
  const auto refused = [&](const auto& other, std::string bad) {
    return kind_of([&] { (void)other.page(4, bad); }) == ErrorKind::invalid_argument;
  };
  CHECK(refused(vertices.by<"by_height">().from(2U), token));
  CHECK(refused(rows.descending(), token));
  CHECK(refused(vertices.by<"by_time">().from(1), token));
  CHECK(refused(rows, "zz"));
  CHECK(refused(rows, token + "00"));
  for (std::size_t i = 0; i != token.size(); ++i) {
    std::string bad = token;
    bad[i] = bad[i] == '0' ? '1' : '0';
    CHECK(refused(rows, bad));
  }
  vertices.erase(rows.page(4).rows.back().id);
  CHECK(rows.page(4, token).rows.size() == 4);
}

TEST_CASE("Table: other types, and trees of other programs, are refused with what differs") {
  MemoryAdapter store;
  {
    const Vertices::On vertices{store};
    vertices.put(vertex(1, 2, 3));
  }
  using OtherKey = varve::Table<"vertices", varve::Key<&Vertex::height>, Vertex, Plain>;
  using OtherRecord = varve::Table<"vertices", varve::Key<&EdgeRecord::from>, EdgeRecord, Plain>;
  using Fewer = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, Plain,
                             varve::Index<"by_height", &Vertex::height>>;
  const auto words = [&]<class T>(std::type_identity<T>) {
    return words_of([&] { const typename T::template On<MemoryAdapter> table{store}; });
  };
  CHECK_THAT(words(std::type_identity<OtherKey>()),
             ContainsSubstring("schema_diverged") &&
                 ContainsSubstring("the type of the keys is '[8]u8' in the store and 'u64'"));
  CHECK_THAT(
      words(std::type_identity<OtherRecord>()),
      ContainsSubstring("the layout of the records is 'vertex 1' in the store and 'edge 1'"));
  CHECK_THAT(words(std::type_identity<Fewer>()),
             ContainsSubstring("has the index 'by_parent'") && ContainsSubstring("drop_index"));
  for (const char* const index : {"by_time", "by_parent", "open_by_time", "by_size"}) {
    varve::drop_index(store, "vertices", index);
  }
  CHECK(words(std::type_identity<Fewer>()) == "no error");
  CHECK(kind_of([&] { varve::drop_index(store, "vertices", "by_time"); }) ==
        ErrorKind::invalid_argument);

  MemoryAdapter legacy;
  const varve::Tree tree = legacy.open_tree("users");
  const User ann{"ann", "a@x", 1};
  std::string key;
  std::string record;
  varve::Ordered::encode(ann.name, key);
  Plain::encode(ann, record);
  legacy.write(varve::WriteBatch().put(tree, key, record));
  CHECK(kind_of([&] { const Users::On users{legacy}; }) == ErrorKind::schema_legacy);
  Users::adopt(legacy);
  const Users::On users{legacy};
  CHECK(users.get("ann") == ann);
  CHECK(kind_of([&] { (void)users.by<"by_email">().count(); }) == ErrorKind::busy);
  users.build_indexes();
  CHECK(users.by<"by_email">().equal("a@x").first() == ann);

  MemoryAdapter strange;
  strange.write(varve::WriteBatch().put(strange.open_tree("users"), "k", record));
  CHECK(kind_of([&] { Users::adopt(strange); }) == ErrorKind::corruption);
}

TEST_CASE("Table: its schema, compiled and recorded") {
  MemoryAdapter store;
  const Vertices::On vertices{store};
  auto schema = Vertices::schema();
  CHECK(schema.key == "[8]u8");
  CHECK(schema.record == "vertex 1");
  REQUIRE(schema.indexes.size() == 5);
  CHECK(schema.indexes[1].tree == "vertices.by_time");
  CHECK(schema.indexes[1].definition == "plain (i64) stores (u64,bytes) revision 1");
  CHECK(schema.indexes[2].definition == "plain each ([8]u8) revision 1");
  CHECK(schema.indexes[3].definition == "plain where (i64) revision 1");
  CHECK(schema.indexes[4].definition == "plain (~u64,u64) revision 1");
  const auto recorded = varve::recorded_tables(store);
  REQUIRE(recorded.size() == 1);
  for (auto& index : schema.indexes) index.state = varve::IndexState::readable;
  std::sort(schema.indexes.begin(), schema.indexes.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  CHECK(recorded[0] == schema);
  CHECK_THAT(to_string(recorded[0]), ContainsSubstring("by_time: plain (i64) stores"));
}
