// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/operations.hpp>
#include <varve/testing/show.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

/// What the laws are written with.
namespace varve::testing::detail {

/// Thrown by a law that is broken.
struct Broken {
  std::string evidence;
};

[[noreturn]] inline void fail(std::string evidence) {
  throw Broken{std::move(evidence)};
}

inline void expect(bool holds, const char* evidence) {
  if (!holds) fail(evidence);
}

using Contents = std::map<std::string, std::string>;

template <KvReader R>
void expect_value(const R& reader, Tree tree, BytesView key, BytesView value) {
  const auto pinned = reader.get(tree, key);
  if (!pinned)
    fail("get(" + show_short(key) + ") gave nothing where " + show_short(value) + " was put");
  if (pinned->view() != value) {
    fail("get(" + show_short(key) + ") gave " + show_short(pinned->view()) + " where " +
         show_short(value) + " was put");
  }
  if (!reader.contains(tree, key))
    fail("contains(" + show_short(key) + ") is false where get finds it");
}

template <KvReader R>
void expect_absent(const R& reader, Tree tree, BytesView key) {
  if (reader.get(tree, key)) fail("get(" + show_short(key) + ") gave a value where there is none");
  if (reader.contains(tree, key))
    fail("contains(" + show_short(key) + ") where there is no such key");
}

/// Moves `scan` to its end and expects the entries of `contents` that lie in `range`.
template <EntryScan S>
void expect_rest(S& scan, const Contents& contents, KeyRange range, Order order) {
  std::vector<std::pair<BytesView, BytesView>> expected;
  for (const auto& [key, value] : contents) {
    if (range.contains(key)) expected.emplace_back(key, value);
  }
  if (order == Order::descending) expected = {expected.rbegin(), expected.rend()};
  for (const auto& [key, value] : expected) {
    if (!scan.valid()) fail("the scan ended before " + show_short(key));
    const Entry entry = scan.entry();
    if (entry.key != key) {
      fail("the scan stands on " + show_short(entry.key) + " where " + show_short(key) +
           " comes next");
    }
    if (entry.value != value) {
      fail("the scan gives " + show_short(key) + " the value " + show_short(entry.value) +
           " where it has " + show_short(value));
    }
    scan.next();
  }
  if (scan.valid()) fail("the scan goes on to " + show_short(scan.entry().key) + " beyond its end");
}

template <KvReader R>
void expect_scan(const R& reader, Tree tree, const Contents& contents, KeyRange range,
                 Order order = Order::ascending) {
  auto scan = reader.scan(tree, range, order);
  expect_rest(scan, contents, range, order);
}

template <KvReader R>
void expect_contents(const R& reader, Tree tree, const Contents& contents) {
  expect_scan(reader, tree, contents, KeyRange::all());
}

/// Expects `invalid_argument` of `call`, and gives its text back.
template <class Call>
std::string expect_invalid(const std::string& what, Call call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::invalid_argument) return error.what();
    fail(what + " was refused with " + error.what());
  }
  fail(what + " was not refused");
}

/// What `trees` lists, but for the record of the stack, which `open` leaves in every engine below a
/// layer that marks its data.
template <KvEngine E>
std::vector<TreeInfo> listed_trees(const E& engine) {
  std::vector<TreeInfo> infos = engine.trees();
  std::erase_if(infos, [](const TreeInfo& info) { return info.name == "varve.stack"; });
  return infos;
}

/// Writes all of `contents` in one batch.
template <KvEngine E>
void put_all(E& engine, Tree tree, const Contents& contents) {
  WriteBatch batch;
  for (const auto& [key, value] : contents) batch.put(tree, key, value);
  engine.write(batch);
}

/// Keys that are hard on comparisons and bounds, each with a value of its own.
inline Contents nasty_contents() {
  Contents contents;
  for (const char* const letters : {"a", "b", "\x01", "\x7f", "\x80", "\xfe", "\xff"}) {
    const std::string one(letters);
    for (const std::string& key : {one, one + one, one + std::string(1, '\0'), one + "a",
                                   one + "\xff", one + "\xff\xff", one + std::string(20, 'x')}) {
      contents[key] = "value of " + key;
    }
  }
  contents[std::string(1, '\0')] = "";
  contents[std::string(2, '\0')] = std::string(3, '\0');
  contents["value larger than a page"] = std::string(20'000, 'v');
  return contents;
}

}  // namespace varve::testing::detail
