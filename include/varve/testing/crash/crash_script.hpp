// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/model/random.hpp>
#include <varve/testing/script.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

namespace detail {

/// Thinks of steps that are hard on what makes a store durable. No two values are the same.
class CrashScriptSource {
 public:
  explicit CrashScriptSource(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Operation next() {
    switch (random_.below(24)) {
      case 0: return script::OpenTree{tree()};
      case 1: return script::DropTree{tree()};
      case 2:
      case 3: return script::Flush{};
      case 4: return script::Reopen{};
      case 5: return script::WriteAndDrop{durability(), changes(), {tree()}};
      default: return script::Write{durability(), changes()};
    }
  }

 private:
  std::uint32_t tree() { return random_.below(3); }
  std::string key() { return "k" + std::to_string(random_.below(6)); }
  Durability durability() { return random_.one_in(2) ? Durability::buffered : Durability::synced; }

  std::string value() {
    std::string value = std::to_string(++values_);
    switch (random_.below(12)) {
      case 0: value.append(600, 'x'); break;
      case 1: value.append(random_.below(64), 'y'); break;
      case 2:
        if (random_.one_in(4)) value.append(5000, 'z');
        break;
      default: break;
    }
    return value;
  }

  std::vector<script::Change> changes() {
    std::vector<script::Change> changes;
    for (std::uint32_t left = random_.one_in(2) ? 1 : 1 + random_.below(4); left > 0; --left) {
      switch (random_.below(10)) {
        case 0: changes.emplace_back(script::Erase{tree(), key()}); break;
        case 1: {
          std::string first = key();
          std::string last = key();
          if (last < first) std::swap(first, last);
          changes.emplace_back(script::EraseRange{
              tree(), {script::Range::Kind::between, std::move(first), std::move(last)}});
          break;
        }
        default: changes.emplace_back(script::Put{tree(), key(), value()});
      }
    }
    return changes;
  }

  Random random_;
  std::uint64_t values_ = 9;
};

}  // namespace detail

/// A script of writes, flushes, trees that come and go, and reopenings; the same for the same seed.
[[nodiscard]] inline Script crash_script(std::uint64_t seed, std::size_t operations) {
  detail::CrashScriptSource source(seed);
  Script script;
  script.reserve(operations);
  for (std::uint32_t tree = 0; tree < 2 && script.size() < operations; ++tree) {
    script.push_back(script::OpenTree{tree});
  }
  while (script.size() < operations) script.push_back(source.next());
  return script;
}

}  // namespace varve::testing
