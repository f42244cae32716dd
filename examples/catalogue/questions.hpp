// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <ranges>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catalogue {

/// Keeps the `capacity` greatest of the pairs that it is shown.
class Greatest {
 public:
  explicit Greatest(std::size_t capacity) : capacity_(capacity) {}

  void show(std::uint64_t number, std::string_view name) {
    if (kept_.size() == capacity_ && number <= kept_.back().first) return;
    kept_.emplace(std::ranges::lower_bound(kept_, number, std::greater_equal{},
                                           [](const auto& one) { return one.first; }),
                  number, name);
    if (kept_.size() > capacity_) kept_.pop_back();
  }

  [[nodiscard]] const auto& kept() const noexcept { return kept_; }

 private:
  std::size_t capacity_;
  std::vector<std::pair<std::uint64_t, std::string>> kept_;
};

/// Asks a catalogue what one asks a catalogue, and prints the answers with the time that each took.
template <varve::KvReader Store>
class Questions {
 public:
  Questions(Terminal& terminal, const Catalogue<Store>& catalogue, const Words& words)
      : terminal_(&terminal), catalogue_(&catalogue), words_(&words) {}

  /// What is it, what does it need, and what needs it?
  void about(const std::string& name) {
    begin();
    const std::optional<Facts> facts = catalogue_->find(name);
    if (!facts) {
      head("there is no " + std::string(words_->thing) + " '" + name + "'");
      return terminal_->line();
    }
    head(name);
    row(facts->version + "  " + facts->section + "  " + size(facts->size));
    row(facts->summary);
    terminal_->line();

    begin();
    std::vector<std::string> needed;
    for (const varve::Entry entry : catalogue_->needs_of(name)) needed.emplace_back(entry.value);
    head("what it needs: " + grouped(needed.size()));
    for (const std::string& group : needed | std::views::take(rows)) row(group);
    rest(needed.size());

    begin();
    std::vector<std::string> needing;
    for (const varve::Entry entry : catalogue_->needing(name)) {
      needing.push_back(left(second_part(entry.key), 28) + "  " + std::string(entry.value));
    }
    head("what needs it: " + grouped(needing.size()));
    for (const std::string& edge : needing | std::views::take(rows)) row(edge);
    rest(needing.size());
  }

  /// What is there under names that begin so?
  void beginning(const std::string& beginning) {
    begin();
    std::vector<std::string> found;
    for (const varve::Entry entry : catalogue_->starting_with(beginning)) {
      found.push_back(left(entry.key, 28) + "  " + decode_facts(entry.value).summary);
    }
    head(beginning + "*: " + grouped(found.size()));
    for (const std::string& thing : found | std::views::take(rows)) row(thing);
    rest(found.size());
  }

  /// Which are the largest?
  void largest() {
    begin();
    Greatest greatest(rows);
    for (const varve::Entry entry : catalogue_->all()) {
      greatest.show(RecordReader(entry.value).number<8>(), entry.key);
    }
    head("the largest, by " + std::string(words_->size));
    for (const auto& [number, name] : greatest.kept()) row(right(size(number), 16) + "  " + name);
    terminal_->line();
  }

  /// Which are needed most?
  void most_needed() {
    begin();
    Greatest greatest(rows);
    std::string name;
    std::uint64_t count = 0;
    for (const varve::Entry entry : catalogue_->all_edges()) {
      if (first_part(entry.key) != name) {
        greatest.show(std::exchange(count, 0), name);
        name = first_part(entry.key);
      }
      ++count;
    }
    greatest.show(count, name);
    head("the most needed");
    for (const auto& [number, needed] : greatest.kept()) {
      if (number > 0) row(right(grouped(number), 16) + "  " + needed);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t rows = 5;

  void begin() { start_ = Clock::now(); }

  void head(const std::string& words) {
    const std::chrono::duration<double, std::nano> taken = Clock::now() - start_;
    const std::size_t room = std::min<std::size_t>(terminal_->width(), 80) - 3;
    const std::string time = right(duration(taken.count()), room - std::min(room, words.size()));
    terminal_->line("   " + terminal_->strong(words) + terminal_->faint(time));
  }

  void row(std::string_view text) {
    terminal_->line("     " + shortened(text, std::min<std::size_t>(terminal_->width(), 100) - 6));
  }

  void rest(std::size_t found) {
    if (found > rows) row(terminal_->faint("and " + grouped(found - rows) + " more"));
    terminal_->line();
  }

  [[nodiscard]] std::string size(std::uint64_t number) const {
    return grouped(number) + " " + std::string(words_->size_unit);
  }

  Terminal* terminal_;
  const Catalogue<Store>* catalogue_;
  const Words* words_;
  Clock::time_point start_{};
};

}  // namespace catalogue
