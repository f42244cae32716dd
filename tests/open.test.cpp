// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/describe.hpp>
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"
#include "toy_layers.hpp"

#include <filesystem>
#include <fstream>
#include <string>

using namespace varve;
using namespace varve::toys;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw;
}

}  // namespace

TEMPLATE_TEST_CASE("open: what is written through a stack is there when it is opened again", "",
                   VARVE_STACKS_OF_LANE(LmdbAdapter, RocksAdapter)) {
  const TempDirectory directory;
  using Stack = Metered<Counted<TestType>>;
  Tree tree;
  {
    auto store = open<Stack>(directory / "data");
    tree = store.open_tree("users");
    put(store, tree, "ada", "1815");
  }
  {
    const auto store = open<Counted<TestType>>(directory / "data");
    REQUIRE(store.find_tree("users") == tree);
    CHECK(get_copy(store, tree, "ada") == "1815");
    CHECK(std::filesystem::is_directory(directory / "data/" + std::string(TestType::name)));
  }
  const auto bare = open<TestType>(directory / "data");
  CHECK(get_copy(bare, tree, "ada") == "1815");
}

TEST_CASE("open: options reach their parts, in any order") {
  const TempDirectory directory;
  auto store = open<Metered<LmdbAdapter>>(std::filesystem::path(directory / "data"),
                                          LmdbOptions{.map_bytes = std::uint64_t{64} << 20U},
                                          MeteredOptions{.sample_every = 3});
  CHECK(store.options().sample_every == 3);
  CHECK(store.next().options().map_bytes == std::uint64_t{64} << 20U);
  CHECK(&lowest(store) == &store.next());
}

TEST_CASE("open: a stack that keeps no files needs no directory") {
  auto store = open<Metered<MemoryAdapter>>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "1");
  CHECK(get_copy(store, tree, "a") == "1");
}

TEST_CASE("open: a store that another engine holds is refused, and the engine named") {
  const TempDirectory directory;
  { auto store = open<LmdbAdapter>(directory / "data"); }
  const Error error = error_of([&] { (void)open<RocksAdapter>(directory / "data"); });
  CHECK(error.kind() == ErrorKind::stack_mismatch);
  CHECK_THAT(error.what(), ContainsSubstring("held by the engine 'lmdb'"));
  CHECK_FALSE(std::filesystem::exists(directory / "data/rocksdb"));
}

TEST_CASE("open: data that other layers wrote is refused, and the layer named") {
  const TempDirectory directory;
  {
    auto store = open<Versions<RocksAdapter>>(directory / "data");
    put(store, store.open_tree("t"), "a", "1");
  }
  const Error error = error_of([&] { (void)open<Counted<RocksAdapter>>(directory / "data"); });
  CHECK(error.kind() == ErrorKind::stack_mismatch);
  CHECK_THAT(error.what(), ContainsSubstring("layer 'versions' is in the data and missing"));
  CHECK_NOTHROW((void)open<Counted<Versions<RocksAdapter>>>(directory / "data"));
}

TEST_CASE("open: a bare engine over data that layers wrote is refused too") {
  const TempDirectory directory;
  { auto store = open<Versions<LmdbAdapter>>(directory / "data"); }
  CHECK(error_of([&] { (void)open<LmdbAdapter>(directory / "data"); }).kind() ==
        ErrorKind::stack_mismatch);
}

TEMPLATE_TEST_CASE("open: a store that is open is busy, and the holder is named", "",
                   VARVE_STACKS_OF_LANE(LmdbAdapter, RocksAdapter)) {
  const TempDirectory directory;
  const auto store = open<TestType>(directory / "data");
  const Error error = error_of([&] { (void)open<TestType>(directory / "data"); });
  CHECK(error.kind() == ErrorKind::busy);
  CHECK(error.retryable());
  CHECK_THAT(error.what(), ContainsSubstring("this process"));
}

TEST_CASE("open: a directory with something else in it is left alone") {
  const TempDirectory directory;
  std::ofstream(directory / "thesis.tex") << "precious";
  const Error error = error_of([&] { (void)open<RocksAdapter>(directory.path()); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("'thesis.tex'"));
  CHECK_FALSE(std::filesystem::exists(directory / "rocksdb"));
  CHECK(error_of([] { (void)open<RocksAdapter>(""); }).kind() == ErrorKind::invalid_argument);
}

TEST_CASE("open: an engine's own directory is taken over where it lies in its place") {
  const TempDirectory directory;
  std::filesystem::create_directory(directory / "data");
  {
    RocksAdapter engine(directory / "elsewhere");
    put(engine, engine.open_tree("t"), "a", "1");
  }
  std::filesystem::rename(directory / "elsewhere", directory / "data/rocksdb");
  const auto store = open<Counted<RocksAdapter>>(directory / "data");
  CHECK(get_copy(store, *store.find_tree("t"), "a") == "1");
  CHECK(std::filesystem::exists(directory / "data/AUTHORITY"));
}

TEST_CASE("open: a directory that cannot be made is an error that names it") {
  const TempDirectory directory;
  std::ofstream(directory / "file") << "no directory";
  const Error error = error_of([&] { (void)open<LmdbAdapter>(directory / "file/data"); });
  CHECK(error.kind() == ErrorKind::io);
  CHECK_THAT(error.what(), ContainsSubstring("file/data"));
}

TEST_CASE("describe: a capability that a layer does not hand up is put down to it") {
  auto store = open<Counted<MemoryAdapter>>();
  CHECK_THAT(describe(store), ContainsSubstring("snapshot            native"));
  CHECK_THAT(describe(store), ContainsSubstring("checkpoint          absent\n"));
}
