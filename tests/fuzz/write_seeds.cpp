// SPDX-License-Identifier: Apache-2.0
//
// write_seeds DIRECTORY
//
// Writes what the fuzzers begin with, sound bytes of each kind: tests/fuzz/corpus/TARGET/seed-*.
// To be run again where a format has changed.
#include <varve/adapters/memory.hpp>
#include <varve/authority.hpp>
#include <varve/codecs/document.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include "held_files.hpp"

#if defined(VARVE_SEEDS_flatbuffers)
#include <varve/codecs/flatbuffers.hpp>

#include "monster_generated.h"
#endif
#if defined(VARVE_SEEDS_protobuf)
#include <varve/codecs/protobuf.hpp>

#include "person.pb.h"
#endif

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>

using namespace varve;
using varve_test::HeldFiles;

namespace {

std::filesystem::path corpus;

void save(const std::string& target, const std::string& name, BytesView bytes) {
  std::filesystem::create_directories(corpus / target);
  std::ofstream(corpus / target / ("seed-" + name), std::ios::binary) << bytes;
}

/// Without the zeros behind the last entry.
std::string segments_of(HeldFiles files) {
  std::string all;
  for (const std::string& name : files.list("db/wal")) {
    if (!name.ends_with(".log")) continue;
    const std::string& bytes = files["db/wal/" + name];
    all += bytes.substr(0, std::max<std::size_t>(bytes.find_last_not_of('\0') + 1, 64));
  }
  return all;
}

WriteBatch some_batch(Tree tree) {
  WriteBatch batch;
  batch.put(tree, "key", "value").erase(tree, "other");
  batch.erase_range(tree, KeyRange::prefix("k")).erase_range(tree, KeyRange::from("z"));
  return batch.put(tree, std::string(200, 'k'), "");
}

void save_log(const std::string& name, std::uint64_t segment_bytes) {
  HeldFiles files;
  auto store = varve::open<Wal<MemoryAdapter, HeldFiles>>(
      "db", WalOptions{.segment_bytes = segment_bytes}, files);
  const Tree tree = store.open_tree("tree");
  const Tree other = store.open_tree("other");
  for (int i = 0; i < 5; ++i) store.write(some_batch(tree), Durability::buffered);
  store.write(some_batch(other));
  store.write_and_drop(some_batch(tree), std::vector{other}, Durability::synced);
  store.drop_tree(tree);
  save("batch", name, some_batch(tree).bytes());
  for (const char* const target : {"log", "log_mended"}) save(target, name, segments_of(files));
  store.write(WriteBatch().put(store.open_tree("third"), "a", "b"));
  store.trim_log();
  save("image", name, files["db/wal/image"]);
}

template <class T>
void save_key(const std::string& name, const T& key) {
  std::string bytes;
  Ordered::encode(key, bytes);
  save("ordered", name, bytes);
}

void save_document(const std::string& name, const Document& document) {
  std::string bytes;
  DocumentCodec::encode(document, bytes);
  save("document", name, bytes);
}

void save_monster() {
#if defined(VARVE_SEEDS_flatbuffers)
  samples::MonsterT orc;
  orc.name = "Orc";
  orc.place = std::make_unique<samples::Place>(1.5, -2.5F);
  orc.hoard = {"gold", ""};
  orc.numbers = {1, ~0U};
  samples::MonsterT chief = orc;
  chief.friends.push_back(std::make_unique<samples::MonsterT>(orc));
  std::string bytes;
  FlatBuffers::encode(chief, bytes);
  save("flatbuffers", "monster", bytes);
#endif
}

void save_person() {
#if defined(VARVE_SEEDS_protobuf)
  samples::Person ada;
  ada.set_name("Ada");
  ada.set_born(-1815);
  ada.set_score(-0.5);
  ada.add_tags("x");
  (*ada.mutable_counts())["z"] = 7;
  samples::Person friendly = ada;
  *friendly.add_friends() = ada;
  std::string bytes;
  Protobuf::encode(friendly, bytes);
  save("protobuf", "person", bytes);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_seeds DIRECTORY\n");
    return 2;
  }
  corpus = argv[1];
  save_log("one-segment", 1U << 20U);
  save_log("segments", 300);
  save("store_records", "authority",
       detail::authority_text({.engine = "lmdb", .uuid = std::string(32, 'a'), .epoch = 7}));
  save("store_records", "stack", detail::stack_text({{"wal", 1}, {"versioned", 12}}));
  save_key("number", std::int64_t{-5});
  save_key("text", std::string("a\0b", 3));
  save_key("parts", std::tuple(std::string("ab"), Descending<std::uint16_t>{258},
                               std::optional<std::uint8_t>(3)));
  save_document("object",
                Document::Object{{"a", Document::Array{1, -2, 0.5, nullptr, true}},
                                 {"b", Document::Object{{"", "text"}, {"c", Document::Bytes(3)}}}});
  save_document("wide", Document::Array(300));
  save_monster();
  save_person();
  save("versions", "first",
       std::string("\x01\x00\x09"
                   "ada\0\0",
                   8));
  save("versions", "second",
       std::string("\x02\x00\x00\x00\x09"
                   "ada\0\0\x01",
                   11));
  save("lmdb_catalogue", "two-trees",
       std::string("\x03\x05\0\0\0\0\x01\0\0\0\x03\x03\x03\0\0\0\x01\x01kv"
                   "\x03\x03\0\0\0\x02\x02kv",
                   33));
}
