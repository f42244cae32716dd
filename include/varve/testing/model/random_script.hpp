// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/limits.hpp>
#include <varve/testing/model/random.hpp>
#include <varve/testing/script.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

namespace detail {

/// Thinks of operations that are hard on an engine: few trees, few keys that lie close together,
/// and now and then what is at or beyond a limit.
class ScriptSource {
 public:
  ScriptSource(std::uint64_t seed, const Limits& limits) : random_(seed), limits_(limits) {
    const std::string shared = repeat("a\x7f\xff", 20 + random_.below(20));
    for (const char* const letters : {"a", "b", "ab", "\x01", "\x7f", "\x80", "\xfe", "\xff"}) {
      pool_.emplace_back(letters);
      pool_.push_back(shared + letters);
    }
    pool_.emplace_back(1, '\0');
    pool_.push_back(shared);
    for (int i = 0; i < 12; ++i) {
      std::string key;
      for (std::uint32_t left = 1 + random_.below(6); left > 0; --left) {
        key +=
            one_of(std::string("\0\x01"
                               "ab\xfe\xff",
                               6));
      }
      pool_.push_back(std::move(key));
    }
  }

  [[nodiscard]] Operation next() {
    using namespace script;
    switch (random_.below(40)) {
      case 0:
      case 1: return OpenTree{tree()};
      case 2: return random_.one_in(2) ? Operation(DropTree{tree()}) : OpenTree{tree()};
      case 3: return FindTree{tree()};
      case 4: return ListTrees{};
      case 5:
      case 6:
      case 7: return Get{tree(), any_key()};
      case 8: return MultiGet{tree(), keys()};
      case 9:
      case 10:
      case 11: return ScanRange{tree(), order(), range()};
      case 12: return Count{tree(), range()};
      case 13:
      case 14: return HoldValue{held(), tree(), any_key()};
      case 15: return ReadValue{held()};
      case 16:
      case 17: return HoldScan{held(), tree(), order(), range()};
      case 18:
      case 19: return AdvanceScan{held(), 1 + random_.below(5)};
      case 20: return HoldSnapshot{held()};
      case 21: return ReadSnapshot{held(), any_key(), order(), range()};
      case 22: return random_.one_in(2) ? Operation(Flush{}) : Compact{tree(), range()};
      case 23: return random_.one_in(4) ? Operation(Reopen{}) : CheckAll{};
      case 24:
        return random_.one_in(2) ? Operation(WriteAndDrop{durability(), changes(), dropped()})
                                 : BulkLoad{tree(), !random_.one_in(4), records()};
      default: return Write{durability(), changes()};
    }
  }

 private:
  /// One of the letters, again and again.
  std::string repeat(BytesView letters, std::size_t times) {
    return std::string(times, one_of(letters));
  }

  char one_of(BytesView letters) {
    return letters[random_.below(static_cast<std::uint32_t>(letters.size()))];
  }

  std::uint32_t tree() { return random_.below(4); }
  std::uint32_t held() { return random_.below(4); }
  Order order() { return random_.one_in(2) ? Order::ascending : Order::descending; }
  Durability durability() { return random_.one_in(4) ? Durability::synced : Durability::buffered; }

  /// A key of the pool, or one next to it.
  std::string key() {
    std::string key = pool_[random_.below(static_cast<std::uint32_t>(pool_.size()))];
    switch (random_.below(12)) {
      case 0: key += '\0'; break;
      case 1: key += '\xff'; break;
      case 2: ++key.back(); break;
      case 3: --key.back(); break;
      case 4:
        if (key.size() > 1) key.pop_back();
        break;
      case 5: return random_.one_in(4) ? longest() : key;
      default: break;
    }
    return key;
  }

  /// As long as a key can be.
  std::string longest() {
    const std::uint64_t most = std::min<std::uint64_t>(limits_.max_key_bytes, 5000);
    return repeat("ab\xff", static_cast<std::size_t>(most));
  }

  /// Also one that no engine takes, or that this one does not.
  std::string any_key() {
    if (random_.one_in(40)) return {};
    if (random_.one_in(40)) return longest() + "a";
    return key();
  }

  std::vector<std::string> keys() {
    std::vector<std::string> keys;
    for (std::uint32_t left = random_.below(6); left > 0; --left) keys.push_back(any_key());
    if (!keys.empty() && random_.one_in(3)) keys.push_back(keys.front());
    return keys;
  }

  std::string value() {
    switch (random_.below(24)) {
      case 0: return {};
      case 1: return repeat(BytesView("v\0", 2), 300 + random_.below(3000));
      case 2: return random_.one_in(4) ? repeat("w", 20'000 + random_.below(60'000)) : "w";
      default: return std::to_string(++values_);
    }
  }

  script::Range range() {
    using Kind = script::Range::Kind;
    switch (random_.below(6)) {
      case 0: return {};
      case 1: return {Kind::from, any_key(), {}};
      case 2: {
        std::string prefix = any_key();
        prefix.resize(random_.below(static_cast<std::uint32_t>(prefix.size()) + 1));
        return {Kind::prefix, std::move(prefix), {}};
      }
      case 3: return {Kind::prefix, any_key(), {}};
      default: {
        std::string first = any_key();
        std::string last = any_key();
        if (last < first && !random_.one_in(8)) std::swap(first, last);
        return {Kind::between, std::move(first), std::move(last)};
      }
    }
  }

  script::Change change() {
    switch (random_.below(10)) {
      case 0:
      case 1: return script::Erase{tree(), key()};
      case 2: return script::EraseRange{tree(), range()};
      default: return script::Put{tree(), random_.one_in(200) ? longest() + "a" : key(), value()};
    }
  }

  std::vector<script::Change> changes() {
    std::vector<script::Change> changes;
    const std::uint32_t most = random_.one_in(30) ? 60 : 5;
    for (std::uint32_t left = random_.below(most); left > 0; --left) changes.push_back(change());
    return changes;
  }

  std::vector<script::Put> records() {
    std::vector<script::Put> records;
    for (std::uint32_t left = random_.below(12); left > 0; --left) {
      records.push_back({0, key(), value()});
    }
    return records;
  }

  std::vector<std::uint32_t> dropped() {
    if (!random_.one_in(4)) return {};
    return {tree()};
  }

  Random random_;
  Limits limits_;
  std::vector<std::string> pool_;
  std::uint64_t values_ = 0;
};

}  // namespace detail

/// A script of `operations` operations, the same wherever the seed and the limits are.
[[nodiscard]] inline Script random_script(std::uint64_t seed, std::size_t operations,
                                          const Limits& limits) {
  detail::ScriptSource source(seed, limits);
  Script script;
  script.reserve(operations);
  for (std::uint32_t tree = 0; tree < 3 && script.size() < operations; ++tree) {
    script.push_back(script::OpenTree{tree});
  }
  while (script.size() < operations) script.push_back(source.next());
  return script;
}

}  // namespace varve::testing
