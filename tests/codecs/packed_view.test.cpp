// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/packed.hpp>

#include "catch.hpp"

#include <ranges>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

std::size_t allocations = 0;
std::size_t allocated_bytes = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  allocated_bytes += size;
  if (void* const bytes = std::malloc(size)) return bytes;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*nothrow*/) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* bytes) noexcept {
  std::free(bytes);
}
[[gnu::noinline]] void operator delete(void* bytes, std::size_t /*size*/) noexcept {
  std::free(bytes);
}

using namespace varve;

namespace {

using Hash = std::array<std::uint8_t, 32>;

struct Edge {
  std::uint32_t to;
  std::string label;
  bool operator==(const Edge&) const = default;
};

struct Position {
  double x;
  double y;
  bool operator==(const Position&) const = default;
};

struct Node {
  Hash id;
  std::uint64_t height;
  std::vector<std::uint32_t> parents;
  std::string payload;
  bool finalized;
  Position position;
  Edge first;
  std::vector<Edge> edges;
  std::optional<std::uint16_t> weight;
  std::optional<Edge> best;
  std::variant<std::monostate, std::string, Edge> note;
  std::map<std::string, std::vector<std::string>> properties;
  std::set<std::uint32_t> marks;
  std::array<std::string, 2> names;
  std::pair<std::uint8_t, std::string> pair;
  std::set<std::vector<int>> paths;
  bool operator==(const Node&) const = default;
};

Node some_node() {
  return {.id = {1, 2, 3},
          .height = 0x0123456789abcdef,
          .parents = {5, 6, 7},
          .payload = std::string(300, 'p'),
          .finalized = true,
          .position = {1.5, -2},
          .first = {7, "first"},
          .edges = {{8, "eight"}, {9, ""}, {10, "ten"}},
          .weight = 12,
          .best = Edge{13, "best"},
          .note = "a note",
          .properties = {{"", {}}, {"colour", {"red", "blue"}}, {"size", {"1"}}},
          .marks = {3, 256, 70000},
          .names = {"one", "two"},
          .pair = {4, "four"},
          .paths = {{}, {1}, {1, 2}}};
}

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  Packed::encode(value, bytes);
  return bytes;
}

template <class T>
using View = decltype(Packed::view<T>(BytesView()));

static_assert(std::is_same_v<View<Node>, PackedView<Node>>);
static_assert(std::is_same_v<View<std::string>, BytesView>);
static_assert(std::is_same_v<View<int>, int>);
static_assert(std::ranges::random_access_range<View<std::vector<Edge>>>);
static_assert(std::ranges::random_access_range<View<std::map<std::string, int>>>);
static_assert(std::random_access_iterator<View<std::vector<int>>::iterator>);
static_assert(std::is_trivially_copyable_v<View<Node>> && sizeof(View<Node>) == sizeof(BytesView));
static_assert(std::is_trivially_copyable_v<View<std::vector<Edge>>>);

}  // namespace

TEST_CASE("PackedView: every kind of member, in place") {
  const Node node = some_node();
  const std::string bytes = bytes_of(node);
  const PackedView<Node> view = Packed::view<Node>(bytes);
  CHECK(view.get<&Node::id>() == node.id);
  CHECK(view.get<&Node::height>() == node.height);
  CHECK(view.get<&Node::payload>() == node.payload);
  CHECK(view.get<&Node::finalized>());
  CHECK(view.get<&Node::position>().get<&Position::y>() == -2);
  CHECK(view.get<&Node::position>().decode() == node.position);
  CHECK(view.get<&Node::first>().get<&Edge::label>() == "first");
  CHECK(view.get<&Node::first>().decode() == node.first);
  CHECK(view.get<&Node::weight>() == std::optional<std::uint16_t>(12));
  CHECK(view.get<&Node::best>()->get<&Edge::label>() == "best");
  CHECK(std::get<BytesView>(view.get<&Node::note>()) == "a note");
  CHECK(view.get<&Node::names>()[1] == "two");
  CHECK(view.get<&Node::pair>().get<0>() == 4);
  CHECK(view.get<&Node::pair>().get<1>() == "four");
  CHECK(view.get<0>() == node.id);
  CHECK(view.decode() == node);
  CHECK(view.bytes() == bytes);

  const auto inside = [&](BytesView piece) {
    return piece.data() >= bytes.data() &&
           piece.data() + piece.size() <= bytes.data() + bytes.size();
  };
  CHECK(inside(view.get<&Node::payload>()));
  CHECK(inside(view.get<&Node::edges>()[2].get<&Edge::label>()));
}

TEST_CASE("PackedView: of what is not there") {
  const std::string bytes = bytes_of(Node{});
  const PackedView<Node> view = Packed::view<Node>(bytes);
  CHECK_FALSE(view.get<&Node::weight>());
  CHECK_FALSE(view.get<&Node::best>());
  CHECK(view.get<&Node::note>().index() == 0);
  CHECK(view.get<&Node::edges>().empty());
  CHECK(view.get<&Node::properties>().empty());
  CHECK_FALSE(view.get<&Node::properties>().find(""));
  CHECK_FALSE(view.get<&Node::marks>().contains(0));
}

TEST_CASE("PackedSequence: a random-access range of values and views") {
  const Node node = some_node();
  const std::string bytes = bytes_of(node);
  const PackedView<Node> view = Packed::view<Node>(bytes);
  const auto parents = view.get<&Node::parents>();
  CHECK(std::vector<std::uint32_t>(parents.begin(), parents.end()) == node.parents);
  CHECK(parents.bytes() == bytes_of(node.parents));
  CHECK(*(parents.end() - 1) == 7);
  CHECK(parents.begin()[1] == 6);
  CHECK(parents.end() - parents.begin() == 3);
  CHECK(std::ranges::lower_bound(parents, 6U) - parents.begin() == 1);
  std::size_t at = 0;
  for (const PackedView<Edge> edge : view.get<&Node::edges>()) {
    CHECK(edge.get<&Edge::to>() == node.edges[at].to);
    CHECK(edge.decode() == node.edges[at++]);
  }
  CHECK(at == 3);
  CHECK(view.get<&Node::edges>().front().get<&Edge::label>() == "eight");
  CHECK(view.get<&Node::edges>().back().get<&Edge::label>() == "ten");
}

TEST_CASE("PackedMap and PackedSet: in the order of the keys, with search") {
  const Node node = some_node();
  const std::string bytes = bytes_of(node);
  const PackedView<Node> view = Packed::view<Node>(bytes);
  const auto properties = view.get<&Node::properties>();
  CHECK(properties.size() == 3);
  auto expected = node.properties.begin();
  for (const auto& [key, values] : properties) {
    CHECK(key == expected->first);
    CHECK(std::vector<std::string>(values.begin(), values.end()) == expected->second);
    ++expected;
  }
  CHECK((*properties.find("colour"))[1] == "blue");
  CHECK(properties.find("")->empty());
  CHECK_FALSE(properties.find("colou"));
  CHECK_FALSE(properties.find("zzz"));
  CHECK(properties.contains("size"));
  const auto marks = view.get<&Node::marks>();
  CHECK((marks.contains(3) && marks.contains(256) && marks.contains(70000)));
  CHECK_FALSE((marks.contains(0) || marks.contains(257) || marks.contains(80000)));
  CHECK(view.get<&Node::paths>().contains({1, 2}));
  CHECK_FALSE(view.get<&Node::paths>().contains({2}));
}

TEST_CASE("PackedView: neither checking nor reading allocates") {
  const std::string bytes = bytes_of(some_node());
  const std::size_t before = allocations;
  std::size_t sum = 0;
  {
    const PackedView<Node> view = Packed::view<Node>(bytes);
    sum += view.get<&Node::payload>().size();
    for (const auto edge : view.get<&Node::edges>()) sum += edge.get<&Edge::label>().size();
    sum += (*view.get<&Node::properties>().find("colour")).size();
    sum += view.get<&Node::marks>().contains(256) ? 1 : 0;
  }
  const std::size_t made = allocations - before;
  CHECK(sum == 300 + 8 + 2 + 1);
  // The keys of `paths` are lists, whose views have no order: to compare them they are read.
  CHECK(made <= 6);
  const std::string edge = bytes_of(Edge{1, std::string(100, 'x')});
  const std::size_t again = allocations;
  const std::size_t size = Packed::view<Edge>(edge).get<&Edge::label>().size();
  const std::size_t made_again = allocations - again;
  CHECK(size == 100);
  CHECK(made_again == 0);
}

TEST_CASE("Packed: encoding into a buffer that is large enough allocates nothing") {
  const Node node = some_node();
  std::string buffer;
  buffer.reserve(2000);
  const std::size_t before = allocations;
  for (int i = 0; i != 3; ++i) {
    buffer.clear();
    Packed::encode(node, buffer);
  }
  const std::size_t made = allocations - before;
  CHECK(made == 0);
  CHECK(Packed::decode<Node>(buffer) == node);
}

TEST_CASE("Packed: a decoder allocates no more than the bytes can hold") {
  const auto memory_for = [](const std::string& bytes, auto decode) {
    const std::size_t before = allocated_bytes;
    try {
      decode(bytes);
    } catch (const Error&) {
    }
    return allocated_bytes - before;
  };
  // A list that says it has 2^32 - 1 elements, and one of 65,535 in a few bytes.
  for (const std::string& lie : {std::string("\4\xff\xff\xff\xff\0\0\0\0", 9),
                                 std::string("\2\xff\xff\0\0", 5), std::string("\1\xff\0", 3)}) {
    CHECK(memory_for(lie, [](BytesView bytes) {
            static_cast<void>(Packed::decode<std::vector<std::string>>(bytes));
          }) < 2000);
    CHECK(memory_for(lie, [](BytesView bytes) {
            static_cast<void>(Packed::decode<std::map<std::string, std::string>>(bytes));
          }) < 2000);
  }
  // As many empty elements as can be: one byte each.
  const std::string most = bytes_of(std::vector<std::string>(255));
  CHECK(most.size() == 256);
  CHECK(memory_for(most, [](BytesView bytes) {
          static_cast<void>(Packed::decode<std::vector<std::string>>(bytes));
        }) <= 256 * sizeof(std::string));
}
