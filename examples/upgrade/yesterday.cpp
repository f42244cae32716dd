// SPDX-License-Identifier: Apache-2.0
//
// Yesterday's catalogue, as it was first shipped: the packages of this machine by name, an index of
// their sizes kept by hand, and no word of a schema.

#include "../catalogue/source.hpp"
#include "../catalogue/text.hpp"

#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

struct Package {
  std::string version;
  std::string section;
  std::string summary;
  std::uint64_t size = 0;
};

using Store = varve::Wal<varve::RocksAdapter>;

constexpr const char* usage =
    R"(usage: yesterday write DIRECTORY [LIMIT]    the first LIMIT packages of this machine
       yesterday read DIRECTORY             how many there are, and the largest
)";

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
  std::printf("%s %s\n", catalogue::grouped(source.items.size()).c_str(),
              std::string(source.words.things).c_str());
}

void read(const std::string& directory) {
  auto store = varve::open<Store>(directory);
  std::uint64_t count = 0;
  for (const varve::Entry entry : store.scan(store.open_tree("packages"), varve::KeyRange::all())) {
    count += varve::Packed::decode<Package>(entry.value).version.empty() ? 0U : 1U;
  }
  const auto largest = store.scan(store.open_tree("packages_by_size"), varve::KeyRange::all(),
                                  varve::Order::descending);
  if (!largest.valid()) throw std::runtime_error("there are no packages");
  const auto [size, name] =
      varve::Ordered::decode<std::tuple<std::uint64_t, std::string>>(largest.entry().key);
  std::printf("%s packages; the largest is %s\n", catalogue::grouped(count).c_str(), name.c_str());
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> given(words + 1, words + count);
  try {
    if (given.size() == 2 && given[0] == "read") {
      read(given[1]);
    } else if ((given.size() == 2 || given.size() == 3) && given[0] == "write") {
      write(given[1], given.size() == 3 ? std::stoul(given[2]) : 500'000);
    } else {
      std::fputs(usage, given == std::vector<std::string>{"--help"} ? stdout : stderr);
      return given == std::vector<std::string>{"--help"} ? 0 : 2;
    }
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "yesterday: %s\n", failure.what());
    return 1;
  }
}
