// SPDX-License-Identifier: Apache-2.0
//
// lmdb_get raw|varve|layers N: reads N hot keys and prints a digest of what it read. The raw way
// renews and resets one reading transaction, as the best user of LMDB's own interface does.
#include <varve/adapters/lmdb.hpp>
#include <varve/concepts/layer.hpp>

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace varve;

constexpr std::size_t key_count = 256;
using Keys = std::array<std::string, key_count>;

Keys make_keys() {
  Keys keys;
  for (std::size_t i = 0; i < key_count; ++i) keys[i] = "key" + std::to_string(1000 + i);
  return keys;
}

/// Hands every operation down.
template <KvEngine Next>
struct Pass : Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots, Group::writes,
                                   Group::bulk, Group::transactions, Group::trees,
                                   Group::maintenance, Group::checkpoints, Group::tail>> {
  static constexpr BytesView name = "pass";
  template <class Context>
  explicit Pass(Context& context) : Pass::Layer(context) {}
};

/// Builds a stack in a directory.
struct InDirectory {
  std::string directory;

  template <class Next>
  Next build() {
    if constexpr (requires { typename Next::Next; }) {
      return Next(*this);
    } else {
      return Next(directory);
    }
  }
  template <class Next>
  void built(Next&) {}
};

using ThreeLayers = Pass<Pass<Pass<LmdbAdapter>>>;
static_assert(assert_layer<ThreeLayers>());

std::uint64_t digest(std::uint64_t sum, const char* data, std::size_t size) {
  return sum * 31 + static_cast<unsigned char>(data[0]) + size;
}

[[gnu::noinline]] std::uint64_t read_raw(MDB_txn* transaction, MDB_dbi database, const Keys& keys,
                                         std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string& key = keys[i % key_count];
    if (mdb_txn_renew(transaction) != MDB_SUCCESS) std::abort();
    MDB_val wanted{key.size(), const_cast<char*>(key.data())};
    MDB_val value;
    const int code = mdb_get(transaction, database, &wanted, &value);
    if (code == MDB_SUCCESS) {
      sum = digest(sum, static_cast<const char*>(value.mv_data), value.mv_size);
    } else if (code != MDB_NOTFOUND) {
      std::abort();
    }
    mdb_txn_reset(transaction);
  }
  return sum;
}

template <class Store>
[[gnu::noinline]] std::uint64_t read(const Store& store, Tree tree, const Keys& keys,
                                     std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (const auto value = store.get(tree, keys[i % key_count])) {
      sum = digest(sum, value->view().data(), value->view().size());
    }
  }
  return sum;
}

template <class Store>
Tree fill(Store& store, const Keys& keys) {
  const Tree tree = store.open_tree("values");
  WriteBatch batch;
  for (const std::string& key : keys) batch.put(tree, key, key + std::string(100, 'v'));
  store.write(batch, Durability::buffered);
  return tree;
}

template <class Store>
std::uint64_t fill_and_read(Store& store, const Keys& keys, std::uint64_t count) {
  const Tree tree = fill(store, keys);
  return read(store, tree, keys, count);
}

void must(int code) {
  if (code == MDB_SUCCESS) return;
  std::fprintf(stderr, "%s\n", mdb_strerror(code));
  std::exit(1);
}

/// Over the same files and the same environment: what is compared is the way to them.
std::uint64_t fill_and_read_raw(LmdbAdapter& store, const Keys& keys, std::uint64_t count) {
  fill(store, keys);
  MDB_txn* transaction = nullptr;
  MDB_dbi database = 0;
  must(mdb_txn_begin(store.environment(), nullptr, MDB_RDONLY, &transaction));
  must(mdb_dbi_open(transaction, "values", 0, &database));
  mdb_txn_reset(transaction);
  const std::uint64_t sum = read_raw(transaction, database, keys, count);
  mdb_txn_abort(transaction);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view way = argc == 3 ? argv[1] : "";
  const std::uint64_t count = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  // Not on the stack, whose place depends on the arguments: comparing bytes costs more at some
  // places.
  static const Keys keys = make_keys();
  std::uint64_t sum = 0;
  if (way == "raw") {
    LmdbAdapter store("store");
    sum = fill_and_read_raw(store, keys, count);
  } else if (way == "varve") {
    LmdbAdapter store("store");
    sum = fill_and_read(store, keys, count);
  } else if (way == "layers") {
    InDirectory here{"store"};
    ThreeLayers store(here);
    sum = fill_and_read(store, keys, count);
  } else {
    std::fprintf(stderr, "lmdb_get raw|varve|layers N\n");
    return 2;
  }
  std::printf("%s %llu\n", argv[1], static_cast<unsigned long long>(sum));
}
