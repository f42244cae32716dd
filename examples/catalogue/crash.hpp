// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "layers.hpp"
#include "loader.hpp"
#include "process.hpp"
#include "proof.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <varve/adapters/memory.hpp>
#include <varve/open.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace catalogue {

/// The child: loads, and says after each batch how much is acknowledged.
template <class Store>
void load_and_report(const Source& source, const std::string& directory) {
  auto store = varve::open<Store>(directory);
  load(Catalogue(store, source.words), source.items, [](std::uint64_t items) {
    std::printf("%llu\n", static_cast<unsigned long long>(items));
    std::fflush(stdout);
  });
}

/// Kills a child that loads, again and again, and after each kill compares what it left behind with
/// an undisturbed load of the same items into memory.
template <class Store>
class Crash {
 public:
  Crash(Terminal& terminal, const Source& source, std::vector<std::string> child,
        std::string directory)
      : terminal_(&terminal),
        source_(&source),
        child_(std::move(child)),
        directory_(std::move(directory)) {}

  /// The proof of the finished load; nothing where a child was done before the signal reached it,
  /// so that the load has to begin again.
  [[nodiscard]] std::optional<Proof> run(int kills) {
    for (int kill = 1; kill <= kills; ++kill) {
      if (!interrupt(random_between(kill - 0.5, kill) / (kills + 1))) return std::nullopt;
      inspect();
    }
    return resume();
  }

 private:
  [[nodiscard]] double random_between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }

  [[nodiscard]] bool interrupt(double share) {
    const auto total = source_->items.size();
    const auto point = static_cast<std::uint64_t>(share * static_cast<double>(total));
    terminal_->draw("   a child starts, and reads the index");
    Process child(child_, Process::Errors::shown);
    std::string line;
    if (child.read_line(line)) acknowledged_ = std::stoull(line);
    Progress progress(*terminal_, "child", total, acknowledged_);
    while (acknowledged_ < point && child.read_line(line)) {
      progress.at(acknowledged_ = std::stoull(line));
    }
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<int>(random_between(0, 1000))));
    child.kill();
    while (child.read_line(line)) acknowledged_ = std::stoull(line);
    const Process::Ending ending = child.wait();
    progress.at(acknowledged_);
    progress.stop();
    if (ending.success()) return false;
    if (ending.signal != SIGKILL) {
      throw std::runtime_error("the child that loads " + ending.in_words());
    }
    return true;
  }

  void inspect() {
    auto store = varve::open<Store>(directory_);
    const Catalogue<Store> survivor(store, source_->words);
    found_ = survivor.cursor().items;
    terminal_->check(found_ >= acknowledged_, "killed by signal 9: " + grouped(acknowledged_) +
                                                  " were acknowledged, " + grouped(found_) +
                                                  " are there");
    print_recovery(*terminal_, store);
    compare(survivor);
  }

  [[nodiscard]] Proof resume() {
    auto store = varve::open<Store>(directory_);
    const Catalogue<Store> survivor(store, source_->words);
    const auto total = source_->items.size();
    Progress progress(*terminal_, "resumed", total, found_);
    load(survivor, source_->items, [&](std::uint64_t items) { progress.at(items); });
    progress.stop();
    found_ = total;
    return compare(survivor);
  }

  /// Compares the survivor with one undisturbed load into memory of what it should hold.
  Proof compare(const Catalogue<Store>& survivor) {
    auto memory = varve::open<varve::MemoryAdapter>();
    const Catalogue<varve::MemoryAdapter> undisturbed(memory, source_->words);
    load(undisturbed, std::span(source_->items).first(found_), [](std::uint64_t) {});
    const Proof found = prove(survivor);
    const Proof expected = prove(undisturbed);
    terminal_->check(found == expected,
                     grouped(found.things) + " " + std::string(source_->words.things) + ", " +
                         grouped(found.needs) + " " + std::string(source_->words.group) + ", " +
                         grouped(found.needed_by) + " edges back, digest " + hex(found.digest) +
                         ": as undisturbed");
    return found;
  }

  Terminal* terminal_;
  const Source* source_;
  std::vector<std::string> child_;
  std::string directory_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t found_ = 0;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace catalogue
