// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/show.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

enum class CallKind : std::uint8_t {
  get,             ///< answered `seen`
  contains,        ///< answered whether the key is there: `seen` is empty text where it is
  put,             ///< set `written`
  erase,           ///< removed the key
  compare_and_set  ///< found `seen` and set `written`, or removed the key where that is absent
};

/// One call of a concurrent history: what was asked and answered, and between which two moments.
/// Moments are any numbers that grow with time; no two in a history are the same.
struct HistoryCall {
  /// The end of a call of which nobody knows whether it took effect: it may at any later time.
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  std::size_t thread = 0;
  CallKind kind{};
  std::string key{};
  std::optional<std::string> written{};
  std::optional<std::string> seen{};
  std::uint64_t start = 0;
  std::uint64_t end = never;

  [[nodiscard]] bool indeterminate() const noexcept { return end == never; }
};

using History = std::vector<HistoryCall>;

/// One line for people: `thread 2 [14, 17] get("k") = "v"`.
[[nodiscard]] inline std::string to_string(const HistoryCall& call) {
  const auto value = [](const std::optional<std::string>& text) {
    return text ? show_short(*text) : std::string("absent");
  };
  std::string line = "thread " + std::to_string(call.thread) + " [" + std::to_string(call.start) +
                     ", " + (call.indeterminate() ? "?" : std::to_string(call.end)) + "] ";
  const std::string key = show_short(call.key);
  switch (call.kind) {
    case CallKind::get: return line + "get(" + key + ") = " + value(call.seen);
    case CallKind::contains:
      return line + "contains(" + key + ") = " + (call.seen ? "true" : "false");
    case CallKind::put: return line + "put(" + key + ", " + value(call.written) + ")";
    case CallKind::erase: return line + "erase(" + key + ")";
    case CallKind::compare_and_set:
      return line + "compare_and_set(" + key + ", " + value(call.seen) + " -> " +
             value(call.written) + ")";
  }
  return line;
}

/// A history that no sequence of its calls, one after another, explains.
struct NotLinearizable {
  std::string key;
  std::string sentence;
};

[[nodiscard]] inline std::string to_string(const NotLinearizable& verdict) {
  return verdict.sentence;
}

}  // namespace varve::testing
