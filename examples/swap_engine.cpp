// SPDX-License-Identifier: Apache-2.0
//
// One caller over three engines.

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>

#include <charconv>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

// [caller]
/// Counts the words of a text, and knows of its store only that it is one.
template <varve::KvEngine Store>
void count_words(Store& store, std::string_view text) {
  const varve::Tree words = store.open_tree("words");
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    std::uint64_t count = 0;
    if (const auto known = store.get(words, word)) {
      std::from_chars(known->view().data(), known->view().data() + known->view().size(), count);
    }
    store.write(varve::WriteBatch().put(words, word, std::to_string(count + 1)));
    text.remove_prefix(word.size() == text.size() ? word.size() : word.size() + 1);
  }
  std::cout << varve::lowest_t<Store>::name << ":";
  for (const auto [word, count] : store.scan(words, varve::KeyRange::all())) {
    std::cout << ' ' << word << ' ' << count;
  }
  std::cout << '\n';
}
// [/caller]

int main() {
  constexpr std::string_view text = "one fish two fish red fish blue fish";
  // [engines]
  auto rocks = varve::open<varve::Metered<varve::RocksAdapter>>("words-in-rocksdb");
  auto lmdb = varve::open<varve::Metered<varve::LmdbAdapter>>("words-in-lmdb");
  auto memory = varve::open<varve::Metered<varve::MemoryAdapter>>();
  count_words(rocks, text);
  count_words(lmdb, text);
  count_words(memory, text);
  // [/engines]
}
