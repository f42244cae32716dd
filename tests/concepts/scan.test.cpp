// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/scan.hpp>

#include "catch.hpp"

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <ranges>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

using namespace varve;

namespace {

/// Counts down from `left`, and may not be copied.
class Countdown {
 public:
  explicit Countdown(int left) : left_(std::make_unique<int>(left)) { spell(); }

  [[nodiscard]] bool valid() const noexcept { return *left_ > 0; }
  [[nodiscard]] Entry entry() const { return {text_, "v"}; }
  void next() {
    --*left_;
    spell();
  }

 private:
  void spell() { text_ = std::to_string(*left_); }

  std::unique_ptr<int> left_;
  std::string text_;
};

Scan<Countdown> countdown(int from) {
  return Scan(Countdown(from));
}

struct Copyless {
  bool valid() const;
  Entry entry() const;
  void next();
};
struct WithoutNext {
  bool valid() const;
  Entry entry() const;
};
struct ReferenceEntry {
  bool valid() const;
  const Entry& entry() const;
  void next();
};
struct MutableValid {
  bool valid();
  Entry entry() const;
  void next();
};
struct Unmovable {
  Unmovable(Unmovable&&) = delete;
  bool valid() const;
  Entry entry() const;
  void next();
};

static_assert(Cursor<Copyless> && Cursor<Countdown>);
static_assert(!Cursor<WithoutNext> && !Cursor<ReferenceEntry> && !Cursor<MutableValid> &&
              !Cursor<Unmovable> && !Cursor<int>);
static_assert(EntryScan<Scan<Countdown>> && Cursor<Scan<Countdown>>);
static_assert(!EntryScan<Countdown>);
static_assert(std::ranges::input_range<Scan<Countdown>> && std::ranges::view<Scan<Countdown>>);
static_assert(!std::ranges::forward_range<Scan<Countdown>>);
static_assert(::ranges::input_range<Scan<Countdown>>);
static_assert(std::movable<Scan<Countdown>> && !std::copyable<Scan<Countdown>>);

}  // namespace

TEST_CASE("Scan: is gone over by a range-for, and by hand") {
  std::string keys;
  for (const Entry entry : countdown(3)) keys += entry.key;
  CHECK(keys == "321");
  auto scan = countdown(2);
  CHECK(scan.valid());
  CHECK(scan.entry() == Entry{"2", "v"});
  scan.next();
  scan.next();
  CHECK_FALSE(scan.valid());
  CHECK(scan.begin() == scan.end());
}

TEST_CASE("Scan: begin does not rewind") {
  auto scan = countdown(3);
  ++scan.begin();
  CHECK((*scan.begin()).key == "2");
}

TEST_CASE("Scan: moves with its place") {
  auto scan = countdown(3);
  scan.next();
  auto moved = std::move(scan);
  CHECK(moved.entry().key == "2");
}

TEST_CASE("Scan: begins a pipeline of std, named or not, and one of range-v3 by its name") {
  const auto key = [](const Entry& entry) { return std::string(entry.key); };
  const auto odd = [](const Entry& entry) { return (entry.key.back() - '0') % 2 == 1; };

  std::vector<std::string> keys;
  for (auto&& one :
       countdown(9) | std::views::filter(odd) | std::views::transform(key) | std::views::take(2)) {
    keys.push_back(one);
  }
  CHECK(keys == std::vector<std::string>{"9", "7"});

  // The views of range-v3 0.12 must be copyable, and a scan is not: it wants a name.
  auto named = countdown(9);
  CHECK((named | ::ranges::views::filter(odd) | ::ranges::views::transform(key) |
         ::ranges::views::take(2) | ::ranges::to<std::vector>()) ==
        std::vector<std::string>{"9", "7"});
}
