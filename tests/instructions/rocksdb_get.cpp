// SPDX-License-Identifier: Apache-2.0
//
// rocksdb_get raw|varve|layers N: reads hot keys N times and prints a checksum. `raw` is RocksDB's
// own interface as its best user would write it: read options and a pinned slice used again.

#include <varve/adapters/rocksdb.hpp>
#include <varve/concepts/layer.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

constexpr int keys = 100;

/// A layer that adds nothing.
template <varve::KvEngine NextLayer>
class Through
    : public varve::Layer<
          NextLayer,
          varve::Forwards<varve::Group::reads, varve::Group::scans, varve::Group::snapshots,
                          varve::Group::writes, varve::Group::bulk, varve::Group::trees,
                          varve::Group::maintenance, varve::Group::checkpoints>> {
 public:
  static constexpr varve::BytesView name = "through";

  template <class Context>
  explicit Through(Context& context) : Through::Layer(context) {}
};

struct Place {
  template <class Engine>
  Engine build() {
    if constexpr (varve::detail::LayerShape<Engine>) {
      return Engine(*this);
    } else {
      return Engine(directory);
    }
  }

  template <class Engine>
  void built(Engine&) {}

  std::string directory;
};

std::array<std::string, keys> key_names() {
  std::array<std::string, keys> names;
  for (int i = 0; i < keys; ++i) {
    const std::string digits = std::to_string(i);
    names[static_cast<std::size_t>(i)] = "key-" + std::string(12 - digits.size(), '0') + digits;
  }
  return names;
}

varve::Tree fill(varve::RocksAdapter& engine) {
  const varve::Tree tree = engine.open_tree("rows");
  varve::RocksBulkLoader loader = engine.bulk_loader(tree);
  for (const std::string& key : key_names()) loader.put(key, std::string(100, key.back()));
  loader.finish();
  return tree;
}

std::uint64_t read_raw(rocksdb::DB& database, rocksdb::ColumnFamilyHandle* family, int count) {
  const auto names = key_names();
  const rocksdb::ReadOptions options;
  rocksdb::PinnableSlice value;
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    value.Reset();
    const std::string& key = names[static_cast<std::size_t>(i % keys)];
    if (!database.Get(options, family, rocksdb::Slice(key), &value).ok()) std::abort();
    sum += static_cast<unsigned char>(value.data()[0]) + value.size();
  }
  return sum;
}

template <class Engine>
std::uint64_t read_varve(const Engine& engine, varve::Tree tree, int count) {
  const auto names = key_names();
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const auto value = engine.get(tree, names[static_cast<std::size_t>(i % keys)]);
    if (!value) std::abort();
    sum += static_cast<unsigned char>(value->view()[0]) + value->view().size();
  }
  return sum;
}

std::uint64_t run(const std::string& way, const std::string& directory, int count) {
  Place place{directory};
  if (way == "layers") {
    Through<Through<Through<varve::RocksAdapter>>> stack(place);
    return read_varve(stack, fill(varve::lowest(stack)), count);
  }
  varve::RocksAdapter engine(directory);
  const varve::Tree tree = fill(engine);
  if (way == "varve") return read_varve(engine, tree, count);
  return read_raw(engine.database(), engine.column_family(tree), count);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string way = argc == 3 ? argv[1] : "";
  if (way != "raw" && way != "varve" && way != "layers") {
    std::fputs("usage: rocksdb_get raw|varve|layers N\n", stderr);
    return 2;
  }
  const std::string directory = "rocksdb_get-" + way;
  std::filesystem::remove_all(directory);
  const std::uint64_t sum = run(way, directory, std::atoi(argv[2]));
  std::filesystem::remove_all(directory);
  std::printf("%llu\n", static_cast<unsigned long long>(sum));
}
