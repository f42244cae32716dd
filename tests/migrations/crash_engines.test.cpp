// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/on_the_way.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve::testing::Call;
using varve::testing::Effect;
using varve::testing::Fault;
using varve::testing::Faulty;
using varve::testing::FaultyOptions;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 40;
constexpr std::array changing{Call::write, Call::open_tree, Call::drop_tree};

MigratedOptions small_batches(MigratedOptions options = {}) {
  options.run.batch_records = 6;
  return options;
}

/// Ends a run at every call that changes the store, before it is done and after, and lets the next
/// opening end in the same way; the one after that must lead to `after`.
template <class Chain, class Below>
void end_everywhere(const std::string& prepared, const MigratedOptions& options,
                    const Contents& after, std::uint64_t stride, const char* name) {
  using Store = Migrated<Chain, Faulty<Below>>;
  std::uint64_t states = 0;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const auto opens = [&](const FaultyOptions& faulty) {
    try {
      auto store = open<Store>(directory, options, faulty);
      CHECK(contents(store) == after);
      return true;
    } catch (const Error& error) {
      CAPTURE(error.what());
      CHECK(error.kind() == ErrorKind::io);
      return false;
    }
  };
  for (const Call call : changing) {
    bool opened = false;
    for (std::uint64_t at = 1; !opened; at += stride) {
      for (const Effect effect : {Effect::fails, Effect::fails_after}) {
        std::filesystem::remove_all(directory);
        std::filesystem::copy(prepared, directory, std::filesystem::copy_options::recursive);
        CAPTURE(name, at, effect == Effect::fails, call == Call::write);
        FaultyOptions first;
        first.plan->add({.call = call, .at = at, .effect = effect});
        opened = opens(first);
        CHECK(opened == (first.plan->met() == 0));
        if (opened) break;
        ++states;
        FaultyOptions second;
        second.plan->add({.call = Call::write,
                          .at = 1 + states % 7,
                          .effect = states % 2 == 0 ? Effect::fails : Effect::fails_after});
        static_cast<void>(opens(second));
        REQUIRE(opens({}));
      }
    }
  }
  std::printf(
      "figures: %s: %llu runs that were ended at a call, and once more when they went on: "
      "all reached the same store\n",
      name, static_cast<unsigned long long>(states));
  CHECK(states > 20 / stride);
}

/// A store of version 1 without a schema. What it holds.
template <class Below>
Contents fill(const std::string& directory) {
  auto store = open<Below>(directory);
  fill_version_1(store, blocks_made);
  return contents(store);
}

template <class Below>
void forward(std::uint64_t stride, const char* name) {
  const TempDirectory home;
  const std::string prepared = home.path() + "/store";
  static_cast<void>(fill<Below>(prepared));
  const Error loss =
      refusal<Migrated<ToFour, Faulty<Below>>>(prepared, MigratedOptions{.adopt_as = 1});
  CHECK(loss.kind() == ErrorKind::schema_loss);
  const MigratedOptions options =
      small_batches({.accept_loss = varve_test::on_the_way::accept_loss_in(loss)});
  end_everywhere<ToFour, Below>(prepared, options, contents_of_version_4(blocks_made), stride,
                                name);
}

template <class Below>
void downgraded(std::uint64_t stride, const char* name) {
  const TempDirectory home;
  const std::string prepared = home.path() + "/store";
  const Contents before = fill<Below>(prepared);
  static_cast<void>(open<Migrated<New, Faulty<Below>>>(prepared, MigratedOptions{.adopt_as = 1}));
  end_everywhere<New, Below>(prepared, small_batches({.take_back_to = 1}), before, stride, name);
}

template <class Below>
void rolled_back(std::uint64_t stride, const char* name) {
  const TempDirectory home;
  const std::string prepared = home.path() + "/store";
  const Contents before = fill<Below>(prepared);
  MigratedOptions stopped = stopping_after(9);
  stopped.adopt_as = 1;
  stopped.run.batch_records = 6;
  CHECK_THROWS_AS((static_cast<void>(open<Migrated<New, Faulty<Below>>>(prepared, stopped))), Stop);
  end_everywhere<New, Below>(prepared, small_batches({.take_back_to = 1}), before, stride, name);
}

}  // namespace

TEST_CASE("Migrated: a run that ends at a call goes on, over LMDB, a log and RocksDB") {
  forward<LmdbAdapter>(4, "forward over LMDB");
  downgraded<LmdbAdapter>(2, "downgrade over LMDB");
  rolled_back<LmdbAdapter>(4, "rollback over LMDB");
  downgraded<Cached<Wal<LmdbAdapter>>>(6, "downgrade over a cache and a log over LMDB");
  rolled_back<RocksAdapter>(8, "rollback over RocksDB");
}

TEST_CASE("Migrated: a run that ends at any call goes on, over every engine", "[.long]") {
  forward<LmdbAdapter>(1, "forward over LMDB");
  downgraded<LmdbAdapter>(1, "downgrade over LMDB");
  rolled_back<LmdbAdapter>(1, "rollback over LMDB");
  forward<Cached<Wal<LmdbAdapter>>>(1, "forward over a cache and a log over LMDB");
  downgraded<Cached<Wal<LmdbAdapter>>>(1, "downgrade over a cache and a log over LMDB");
  rolled_back<Cached<Wal<LmdbAdapter>>>(1, "rollback over a cache and a log over LMDB");
  forward<RocksAdapter>(1, "forward over RocksDB");
  downgraded<RocksAdapter>(1, "downgrade over RocksDB");
  rolled_back<RocksAdapter>(1, "rollback over RocksDB");
}
