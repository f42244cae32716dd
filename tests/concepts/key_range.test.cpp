// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/tree.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace varve;

namespace {

/// Every byte string of up to three of the bytes that are hard on ranges.
std::vector<std::string> nasty_keys() {
  std::vector<std::string> keys{""};
  for (std::size_t from = 0, length = 0; length < 3; ++length) {
    const std::size_t to = keys.size();
    for (; from < to; ++from) {
      for (const char c : {'\0', '\1', 'a', '\xfe', '\xff'}) keys.push_back(keys[from] + c);
    }
  }
  return keys;
}

}  // namespace

TEST_CASE("BytesView: is ordered as unsigned bytes, a prefix first") {
  CHECK(BytesView("\x7f") < BytesView("\x80"));
  CHECK(BytesView("a") < BytesView("a\0", 2));
  CHECK(BytesView("") < BytesView("\0", 1));
}

TEST_CASE("KeyRange: contains just the keys that its name says") {
  const auto keys = nasty_keys();
  for (const std::string& a : keys) {
    for (const std::string& key : keys) {
      CHECK(KeyRange::all().contains(key));
      CHECK(KeyRange::from(a).contains(key) == (key >= a));
      CHECK(KeyRange::prefix(a).contains(key) == key.starts_with(a));
    }
  }
}

TEST_CASE("KeyRange: between is half-open, and empty where it ends before it begins") {
  const auto keys = nasty_keys();
  for (std::size_t i = 0; i < keys.size(); i += 7) {
    for (std::size_t j = 0; j < keys.size(); j += 5) {
      const KeyRange range = KeyRange::between(keys[i], keys[j]);
      for (const std::string& key : keys) {
        CHECK(range.contains(key) == (keys[i] <= key && key < keys[j]));
      }
      CHECK(KeyBounds(range).empty() == (keys[j] <= keys[i]));
    }
  }
}

TEST_CASE("KeyBounds: hold the same keys as the range they are made from") {
  const auto keys = nasty_keys();
  for (const std::string& a : keys) {
    for (const KeyRange range : {KeyRange::all(), KeyRange::from(a), KeyRange::prefix(a),
                                 KeyRange::between("\1", a), KeyRange::between(a, "\xff")}) {
      const KeyBounds bounds(range);
      CHECK(bounds.first() == range.first());
      for (const std::string& key : keys) {
        CHECK(bounds.contains(key) == range.contains(key));
        CHECK(bounds.contains(key) == (bounds.reached_by(key) && !bounds.passed_by(key)));
        if (bounds.empty()) CHECK_FALSE(bounds.contains(key));
      }
    }
  }
}

TEST_CASE("KeyBounds: the end of a prefix is its successor, and of 0xFF alone there is none") {
  CHECK(KeyBounds(KeyRange::prefix("ab")).last() == "ac");
  CHECK(KeyBounds(KeyRange::prefix("a\xff\xff")).last() == "b");
  CHECK_FALSE(KeyBounds(KeyRange::prefix("\xff\xff")).bounded());
  CHECK_FALSE(KeyBounds(KeyRange::prefix("")).bounded());
}

TEST_CASE("Tree: an id tells whether its name is reserved, and comes back from its number") {
  const Tree user(7, "users");
  const Tree own(7, "varve.stack");
  CHECK_FALSE(user.reserved());
  CHECK(own.reserved());
  CHECK(user != own);
  CHECK(user.number() == 7);
  CHECK(own.number() == 7);
  CHECK(Tree::from_id(own.id()) == own);
  CHECK_FALSE(is_reserved_name("varve"));
  CHECK_FALSE(is_reserved_name("Varve.x"));
  CHECK(is_reserved_name("varve."));
}
