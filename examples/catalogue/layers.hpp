// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "terminal.hpp"
#include "text.hpp"

#include <varve/cache/statistics.hpp>
#include <varve/layers/wal/recovery.hpp>

#include <concepts>
#include <cstdio>
#include <string>

namespace catalogue {

/// Calls `visit` with the first layer of a stack, from the top down, that it takes.
template <class Part, class Visit>
void visit_layer(const Part& part, Visit&& visit) {
  if constexpr (std::invocable<Visit, const Part&>) {
    visit(part);
  } else if constexpr (requires { part.next(); }) {
    visit_layer(part.next(), visit);
  }
}

/// What the log found when the store was opened; nothing for a stack without one.
template <class Store>
void print_recovery(Terminal& terminal, const Store& store) {
  visit_layer(
      store, [&](const auto& layer) requires requires { layer.recovery(); } {
        const varve::WalRecovery& found = layer.recovery();
        const auto row = [&](const std::string& label, const std::string& words) {
          terminal.line("       " + terminal.faint(left(label, 11)) + words);
        };
        const auto counted = [](std::uint64_t number, const std::string& one) {
          return grouped(number) + " " + one + (number == 1 ? "" : "s");
        };
        row("the log", counted(found.segments, "segment") + ", " +
                           bytes(static_cast<double>(found.bytes)) + " found");
        row("entries", grouped(found.entries) + " found, " + grouped(found.replayed) +
                           " replayed in " + duration(static_cast<double>(found.duration.count())) +
                           "; the last sequence is " + grouped(found.last_sequence));
        row("its tail", found.torn_tail ? "torn: " + counted(found.discarded_bytes, "byte") +
                                              " of a write cut short discarded, never acknowledged"
                                        : "whole: nothing was cut short, nothing discarded");
      });
}

/// What a cache has done; nothing for a stack without one.
template <class Store>
void print_cache(Terminal& terminal, const Store& store) {
  visit_layer(
      store, [&](const auto& layer) requires requires { layer.statistics().hit_rate(); } {
        const varve::CacheStatistics cache = layer.statistics();
        char rate[16];
        std::snprintf(rate, sizeof rate, "%.1f%%", 100 * cache.hit_rate());
        const auto row = [&](const std::string& label, const std::string& words) {
          terminal.line("   " + terminal.faint(left(label, 12)) + words);
        };
        row("hit rate", terminal.strong(rate) + ": " + grouped(cache.hits) + " hits, " +
                            grouped(cache.misses) + " misses");
        row("holds", grouped(cache.entries) + " entries in " +
                         bytes(static_cast<double>(cache.bytes)) + ", of at most " +
                         bytes(static_cast<double>(layer.options().capacity_bytes)));
        row("kept", grouped(cache.fills) + " entries; " + grouped(cache.evictions) +
                        " made room for others, " + grouped(cache.invalidations) +
                        " were overwritten");
      });
}

}  // namespace catalogue
