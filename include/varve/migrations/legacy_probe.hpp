// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/kv_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Tells the version of records that a program without a schema left behind:
/// `matches` answers for each of the first thousand records of `tree` whether
/// it can be one of `version`. A version is found where all of its probes match
/// a record each, and none that does not.
struct LegacyProbe {
  std::uint32_t version = 0;
  std::string tree{};
  std::function<bool(BytesView key, BytesView value)> matches{};
};

namespace detail {

[[nodiscard]] inline bool matches(const LegacyProbe& probe, const Entry& entry) {
  try {
    return probe.matches(entry.key, entry.value);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return false;
  }
}

template <KvReader R>
[[nodiscard]] bool probe_matches(const R& reader, const LegacyProbe& probe) {
  constexpr std::size_t looked_at = 1000;
  const auto tree = reader.find_tree(probe.tree);
  if (!tree) return false;
  std::size_t matched = 0;
  for (auto scan = reader.scan(*tree, KeyRange::all()); scan.valid() && matched < looked_at;
       scan.next()) {
    if (!matches(probe, scan.entry())) return false;
    ++matched;
  }
  return matched != 0;
}

/// The versions that `probes` find, the lowest first.
template <KvReader R>
[[nodiscard]] std::vector<std::uint32_t> probed_versions(const R& reader,
                                                         const std::vector<LegacyProbe>& probes) {
  std::vector<std::pair<std::uint32_t, bool>> versions;
  for (const LegacyProbe& probe : probes) {
    const bool matches = probe_matches(reader, probe);
    const auto known = std::find_if(versions.begin(), versions.end(),
                                    [&](const auto& one) { return one.first == probe.version; });
    if (known == versions.end()) {
      versions.emplace_back(probe.version, matches);
    } else {
      known->second = known->second && matches;
    }
  }
  std::vector<std::uint32_t> found;
  for (const auto& [version, matches] : versions) {
    if (matches) found.push_back(version);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// What the probes found, in words.
[[nodiscard]] inline std::string probed_words(const std::vector<std::uint32_t>& found) {
  if (found.empty()) return "no probe knows the records";
  std::string words = "the probes take the records for version " + std::to_string(found.front());
  for (std::size_t i = 1; i < found.size(); ++i) words += " and for " + std::to_string(found[i]);
  return words;
}

}  // namespace detail
}  // namespace varve
