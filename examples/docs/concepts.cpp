// SPDX-License-Identifier: Apache-2.0
//
// The examples of the pages in docs/concepts, compiled and run.

#include <varve/concepts/concepts.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/minimal_engine.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>

using varve::testing::MinimalEngine;

namespace {

// [kv_reader]
/// The number of keys of `tree` under `prefix`, in an engine, a snapshot or a past height alike.
template <varve::KvReader R>
std::size_t keys_under(const R& reader, varve::Tree tree, varve::BytesView prefix) {
  std::size_t keys = 0;
  for (auto scan = reader.scan(tree, varve::KeyRange::prefix(prefix)); scan.valid(); scan.next()) {
    ++keys;
  }
  return keys;
}

static_assert(varve::KvReader<MinimalEngine>);
static_assert(!varve::KvReader<std::string>);
// [/kv_reader]

// [kv_engine]
/// Moves what is under `from` to `to`, all or nothing.
template <varve::KvEngine E>
void rename_key(E& engine, varve::Tree tree, varve::BytesView from, varve::BytesView to) {
  const auto value = engine.get(tree, from);
  if (!value) return;
  engine.write(varve::WriteBatch().put(tree, to, value->view()).erase(tree, from));
}

static_assert(varve::KvEngine<MinimalEngine>);
static_assert(varve::KvEngine<varve::Counted<MinimalEngine>>);
// [/kv_engine]

// [refinements]
/// Counts twice the same state where the engine has snapshots, and says so where it has none.
template <varve::KvEngine E>
bool counts_agree(const E& engine, varve::Tree tree) {
  if constexpr (varve::SnapshotEngine<E>) {
    const auto snapshot = engine.snapshot();
    return varve::count(snapshot, tree) == varve::count(snapshot, tree);
  } else {
    return false;
  }
}

static_assert(!varve::SnapshotEngine<MinimalEngine>);
// [/refinements]

// [layer]
/// Refuses writes while it is told to.
template <varve::KvEngine Next>
class Gate : public varve::Layer<
                 Next,
                 varve::Forwards<varve::Group::reads, varve::Group::scans, varve::Group::snapshots,
                                 varve::Group::trees, varve::Group::maintenance,
                                 varve::Group::checkpoints, varve::Group::tail>,
                 varve::Blocks<varve::Group::bulk, varve::Group::transactions>> {
 public:
  static constexpr varve::BytesView name = "gate";
  bool shut = false;

  template <class Context>
  explicit Gate(Context& context) : Gate::Layer(context) {}

  void write(const varve::WriteBatch& batch,
             varve::Durability durability = varve::Durability::synced) {
    check();
    this->next().write(batch, durability);
  }

  void write_and_drop(const varve::WriteBatch& batch, std::span<const varve::Tree> dropped,
                      varve::Durability durability)
    requires varve::TransactionalDropEngine<Next>
  {
    check();
    this->next().write_and_drop(batch, dropped, durability);
  }

 private:
  void check() const {
    if (!shut) return;
    throw varve::Error(varve::ErrorKind::busy,
                       {.message = "the gate is shut; try again later", .operation = "write"});
  }
};

static_assert(varve::assert_layer<Gate<MinimalEngine>>());
// [/layer]

// [codec]
/// Numbers as eight bytes, the most significant first: the order of the bytes is that of the
/// numbers.
struct BigEndian {
  static constexpr varve::BytesView name = "big_endian";
  static constexpr bool ordered = true;

  static void encode(std::uint64_t value, varve::ByteSink auto& sink) {
    for (unsigned shift = 64; shift != 0; shift -= 8) {
      const char byte = static_cast<char>(value >> (shift - 8));
      sink.append(varve::BytesView(&byte, 1));
    }
  }

  template <class T>
  static T decode(varve::BytesView bytes) {
    if (bytes.size() != 8) {
      throw varve::Error(varve::ErrorKind::corruption,
                         {.message = "a number has eight bytes", .operation = "decode"});
    }
    T value = 0;
    for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
    return value;
  }

  template <class T>
  static constexpr varve::BytesView identity() {
    return "u64";
  }
};

static_assert(varve::KeyCodecFor<BigEndian, std::uint64_t>);
// [/codec]

// [migration]
struct AccountV1 {
  std::string owner;
};
struct AccountV2 {
  std::string owner;
  bool closed;
};

struct AddClosed {
  static constexpr std::uint32_t from = 1;
  static constexpr std::uint32_t to = 2;
  static constexpr auto description = "accounts can be closed";
  using In = AccountV1;
  using Out = AccountV2;
  static Out convert(const In& account) { return {account.owner, false}; }
};

static_assert(varve::RecordMigration<AddClosed>);
// [/migration]

// [hasher]
/// FNV-1a, to show the form. It is no cryptographic hash and protects nothing.
class Fnv1a {
 public:
  static constexpr varve::BytesView name = "fnv1a-64";
  static constexpr std::size_t size = 8;

  void update(varve::BytesView bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }

  std::array<std::byte, size> finish() {
    return std::bit_cast<std::array<std::byte, size>>(state_);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

static_assert(varve::Hasher<Fnv1a>);
// [/hasher]

// [file_system]
/// Replaces a file so that after a crash it holds the old bytes or the new ones.
template <varve::FileSystem FS>
void replace(FS& files, const std::string& directory, varve::BytesView bytes) {
  auto file = files.open(directory + "/name.new", varve::OpenMode::create);
  file.write_at(0, bytes);
  file.sync();
  files.rename(directory + "/name.new", directory + "/name");
  files.sync_directory(directory);
}

static_assert(varve::FileSystem<varve::PosixFileSystem>);
// [/file_system]

}  // namespace

int main() {
  auto engine = varve::open<Gate<MinimalEngine>>();
  const varve::Tree tree = engine.open_tree("fruit");
  varve::put(engine, tree, "apple", "red");
  rename_key(engine, tree, "apple", "pear");
  std::cout << keys_under(engine, tree, "pe") << " key, " << engine.get(tree, "pear")->view()
            << '\n';
  engine.shut = true;
  try {
    varve::put(engine, tree, "plum", "blue");
  } catch (const varve::Error& error) {
    std::cout << error.what() << '\n';
  }
  if (counts_agree(engine, tree)) std::cout << "the engine has snapshots\n";

  std::string bytes;
  BigEndian::encode(258, bytes);
  std::cout << BigEndian::decode<std::uint64_t>(bytes) << '\n';
  std::cout << AddClosed::convert({"ada"}).owner << '\n';
  Fnv1a hash;
  hash.update("a");
  std::cout << static_cast<int>(hash.finish()[0]) << '\n';
  varve::PosixFileSystem files;
  replace(files, ".", "new");
  std::cout << (files.exists("name") ? "replaced\n" : "lost\n");
}
