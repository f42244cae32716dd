// SPDX-License-Identifier: Apache-2.0
//
// Yesterday's catalogue, as it was first shipped: the packages of this machine by name, an index of
// their sizes kept by hand, and no word of a schema.
//
//   yesterday DIRECTORY [LIMIT]

#include "../catalogue/source.hpp"

#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

namespace {

struct Package {
  std::string version;
  std::string section;
  std::string summary;
  std::uint64_t size = 0;
};

using Store = varve::Wal<varve::RocksAdapter>;

template <class... Parts>
std::string key(const Parts&... parts) {
  std::string bytes;
  varve::Ordered::encode(std::tuple(parts...), bytes);
  return bytes;
}

void write(const std::string& directory, std::size_t limit) {
  const catalogue::Source source = catalogue::read_source("", limit);
  auto store = varve::open<Store>(directory);
  const varve::Tree packages = store.open_tree("packages");
  const varve::Tree by_size = store.open_tree("packages_by_size");
  varve::WriteBatch batch;
  std::string record;
  for (const catalogue::Item& item : source.items) {
    record.clear();
    varve::Packed::encode(
        Package{item.facts.version, item.facts.section, item.facts.summary, item.facts.size},
        record);
    batch.put(packages, key(item.name), record);
    batch.put(by_size, key(item.facts.size, item.name), "");
  }
  store.write(batch);
  std::printf("%zu %s\n", source.items.size(), std::string(source.words.things).c_str());
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count < 2) throw std::invalid_argument("usage: yesterday DIRECTORY [LIMIT]");
    write(words[1], count > 2 ? std::stoul(words[2]) : 500'000);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "yesterday: %s\n", failure.what());
    return 1;
  }
}
