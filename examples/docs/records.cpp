// SPDX-License-Identifier: Apache-2.0
//
// The examples of docs/guide/records.md, compiled and run.

#include <varve/codecs/packed.hpp>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

// [struct]
struct Line {
  std::uint64_t article;
  std::uint32_t count;
  std::string text;
};

struct Order {
  std::uint64_t number;
  std::string customer;
  std::vector<Line> lines;
  std::map<std::string, std::string> notes;
  std::optional<std::int64_t> paid_at;
};
// [/struct]

// [pin]
static_assert(varve::pinned_layout<Order, 0x5433eebddb74ef55>);
// [/pin]

namespace {

void use(const Order& order) {
  // [round_trip]
  std::string bytes;
  varve::Packed::encode(order, bytes);
  const Order back = varve::Packed::decode<Order>(bytes);
  // [/round_trip]

  // [view]
  const varve::PackedView<Order> view = varve::Packed::view<Order>(bytes);
  const varve::BytesView customer = view.get<&Order::customer>();
  std::uint64_t articles = 0;
  for (const varve::PackedView<Line> line : view.get<&Order::lines>()) {
    articles += line.get<&Line::count>();
  }
  const std::optional<varve::BytesView> colour = view.get<&Order::notes>().find("colour");
  // [/view]

  if (back.number != order.number || customer != order.customer || colour != "red") std::abort();
  std::cout << customer << ": " << articles << " articles, " << varve::Packed::identity<Order>()
            << "\n";
}

}  // namespace

int main() {
  use({.number = 7,
       .customer = "Ada",
       .lines = {{1, 2, "paper"}, {2, 3, "ink"}},
       .notes = {{"colour", "red"}},
       .paid_at = {}});
}
