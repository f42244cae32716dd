// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/model/random_script.hpp>
#include <varve/testing/model/script_text.hpp>
#include <varve/testing/shrink.hpp>

#include "catch.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

using namespace varve;
using namespace varve::testing;

namespace {

constexpr Limits limits{.max_key_bytes = 500, .max_value_bytes = 10'000, .max_batch_bytes = 50'000};

}  // namespace

TEST_CASE("a script is read back as it was written") {
  const Script script = random_script(7, 20'000, limits);
  const std::string text = to_string(script);
  const Script again = parse_script(text);
  CHECK(again.size() == script.size());
  CHECK(to_string(again) == text);
}

TEST_CASE("a random script is that of its seed, and does everything there is") {
  CHECK(to_string(random_script(1, 500, limits)) == to_string(random_script(1, 500, limits)));
  CHECK(to_string(random_script(1, 500, limits)) != to_string(random_script(2, 500, limits)));
  std::set<std::size_t> kinds;
  for (const Operation& operation : random_script(3, 2000, limits)) kinds.insert(operation.index());
  CHECK(kinds.size() == std::variant_size_v<Operation>);
}

TEST_CASE("a script may be spaced and commented by hand") {
  const Script script = parse_script(
      "# from a report\n\n"
      "  open_tree 1   # the first\r\n"
      "write buffered [ put 1 \"a\\x00\\x22\"*3 \"\" erase 1 \"b\" erase_range 1 all ]");
  REQUIRE(script.size() == 2);
  const auto& write = std::get<script::Write>(script[1]);
  REQUIRE(write.changes.size() == 3);
  CHECK(write.durability == Durability::buffered);
  CHECK(std::get<script::Put>(write.changes[0]).key == std::string("a\0\"a\0\"a\0\"", 9));
  CHECK(std::get<script::EraseRange>(write.changes[2]).range == script::Range{});
}

TEST_CASE("what is no script is refused with its line") {
  for (const char* const bad :
       {"sing 1", "open_tree", "open_tree x", "open_tree 99999999999", "open_tree 1 2", "get 1 \"a",
        "get 1 a", "get 1 \"\\n\"", "get 1 \"\\x4\"", "get 1 \"\\xG0\"",
        "get 1 \"aaaaaaaa\"*4000000000", "scan 1 sideways all", "scan 1 ascending some",
        "write synced [ put 1 \"a\" \"b\"", "write synced put", "write synced [ open_tree 1 ]"}) {
    try {
      static_cast<void>(parse_script(std::string("flush\n") + bad + "\n"));
      FAIL("parsed: " << bad);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid_argument);
      CHECK(std::string(error.what()).find("line 2 of the script") != std::string::npos);
    }
  }
}

TEST_CASE("shrink leaves just what is needed") {
  std::vector<int> items(1000);
  std::iota(items.begin(), items.end(), 0);
  const auto has = [](const std::vector<int>& some, int one) {
    return std::find(some.begin(), some.end(), one) != some.end();
  };
  const auto fails = [&](const std::vector<int>& some) {
    return has(some, 3) && has(some, 500) && has(some, 501) && has(some, 999);
  };
  CHECK(shrink(items, fails) == std::vector<int>{3, 500, 501, 999});
  CHECK(shrink(items, [](const auto&) { return true; }).empty());
  CHECK(shrink(items, [](const auto&) { return false; }) == items);
  CHECK(shrink(std::vector<int>(), [](const auto&) { return true; }).empty());
}

TEST_CASE("shrink finds two that are needed only together") {
  std::vector<int> items(64);
  std::iota(items.begin(), items.end(), 0);
  const auto pairs = [](const std::vector<int>& some) {
    int sum = 0;
    for (const int one : some) sum += one % 2;
    return sum >= 2;
  };
  CHECK(shrink(items, pairs).size() == 2);
}
