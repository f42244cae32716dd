// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#ifdef CONSUMER_HAS_rocksdb
#include <varve/adapters/rocksdb.hpp>
#endif
#ifdef CONSUMER_HAS_lmdb
#include <varve/adapters/lmdb.hpp>
#endif

#include <cstdio>
#include <string>

namespace {

template <class Engine>
bool keeps_what_it_is_given(const std::string& directory) {
  auto store = varve::open<varve::Counted<Engine>>(directory);
  const varve::Tree words = store.open_tree("words");
  varve::put(store, words, "varve", "a layer of sediment");
  const auto value = store.get(words, "varve");
  const bool kept = value && value->view() == "a layer of sediment" && store.reads() == 1;
  std::printf("%s: %s\n", std::string(varve::BytesView(Engine::name)).c_str(),
              kept ? "kept" : "LOST");
  return kept;
}

}  // namespace

int main() {
  bool kept = keeps_what_it_is_given<varve::MemoryAdapter>("in-memory");
#ifdef CONSUMER_HAS_rocksdb
  kept = keeps_what_it_is_given<varve::RocksAdapter>("on-rocksdb") && kept;
#endif
#ifdef CONSUMER_HAS_lmdb
  kept = keeps_what_it_is_given<varve::LmdbAdapter>("on-lmdb") && kept;
#endif
  return kept ? 0 : 1;
}
