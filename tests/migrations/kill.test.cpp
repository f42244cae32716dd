// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve_test::TempDirectory;

namespace {

/// Runs `act` in a child: this process opens no engine, so it may be forked. Answers the child.
template <class Act>
[[nodiscard]] pid_t in_child(Act&& act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  int code = 1;
  try {
    code = act() ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
  }
  ::_exit(code);
}

[[nodiscard]] int wait_for(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

template <class Act>
[[nodiscard]] bool child_succeeds(Act&& act) {
  const int status = wait_for(in_child(std::forward<Act>(act)));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// The store of version 4, record by record: too large to be compared as a whole.
template <class Store>
[[nodiscard]] bool is_migrated(const Store& store, std::uint64_t records) {
  const auto tree = store.find_tree("blocks_by_hash");
  if (!tree || store.scan(*store.find_tree("blocks"), KeyRange::all()).valid()) return false;
  for (std::uint64_t height = 0; height < records; ++height) {
    const auto value = store.get(*tree, key_of(hash_of(height)));
    if (!value || value->view() != record_of(BlockV1{height, hash_of(height)}, "\x04")) {
      return false;
    }
  }
  std::uint64_t found = 0;
  for (auto scan = store.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) ++found;
  return found == records;
}

template <class Below>
void fill(const std::string& directory, std::uint64_t records) {
  auto store = open<Below>(directory);
  const Tree blocks = store.open_tree("blocks");
  static_cast<void>(store.open_tree("work_index"));
  WriteBatch batch;
  for (std::uint64_t height = 0; height < records; ++height) {
    batch.put(blocks, key_of(height), record_of(BlockV1{height, hash_of(height)}));
    if (batch.count() == 50'000 || height + 1 == records) {
      store.write(batch, Durability::buffered);
      batch.clear();
    }
  }
  store.flush();
}

/// Kills children that migrate until so many are dead, store after store.
template <class Below>
void kill_loop(const char* name, std::uint64_t records, int kills) {
  using Store = Migrated<ToFour, Below>;
  std::mt19937 random(7);
  int killed = 0;
  int stores = 0;
  while (killed < kills) {
    const TempDirectory home;
    const std::string directory = home.path() + "/store";
    REQUIRE(child_succeeds([&] {
      fill<Below>(directory, records);
      return true;
    }));
    const auto migrate = [&] {
      MigratedOptions options{.adopt_as = 1};
      options.run.batch_records = 2'000;
      try {
        static_cast<void>(open<Store>(directory, options));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::schema_loss) throw;
        options.accept_loss = plan<Store>(directory).hash();
        static_cast<void>(open<Store>(directory, options));
      }
      return true;
    };
    ++stores;
    for (bool done = false; !done;) {
      const pid_t child = in_child(migrate);
      const auto patience =
          std::chrono::milliseconds(killed < kills ? 20 + random() % 180 : 3'600'000);
      const auto until = std::chrono::steady_clock::now() + patience;
      int status = 0;
      pid_t ended = 0;
      while (ended == 0 && std::chrono::steady_clock::now() < until) {
        ended = ::waitpid(child, &status, WNOHANG);
        if (ended == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      if (ended == 0) {
        REQUIRE(::kill(child, SIGKILL) == 0);
        status = wait_for(child);
        killed += WIFSIGNALED(status) ? 1 : 0;
      }
      done = WIFEXITED(status);
      if (done) REQUIRE(WEXITSTATUS(status) == 0);
    }
    REQUIRE(child_succeeds([&] { return is_migrated(open<Store>(directory), records); }));
  }
  std::printf(
      "figures: migrations of %llu records over %s: %d killed with kill -9, %d stores, each "
      "reached its last version with every record\n",
      static_cast<unsigned long long>(records), name, killed, stores);
}

/// Waits for a child, and kills it when that takes too long. Whether it was killed.
[[nodiscard]] bool killed_after(pid_t child, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (std::chrono::steady_clock::now() < until) {
    if (::waitpid(child, &status, WNOHANG) == child) {
      REQUIRE(WIFEXITED(status));
      REQUIRE(WEXITSTATUS(status) == 0);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE(::kill(child, SIGKILL) == 0);
  return WIFSIGNALED(wait_for(child));
}

/// Whether the tree holds what `made` gives for each block, and nothing else.
template <class Store, class Make>
[[nodiscard]] bool holds_exactly(const Store& store, BytesView name, std::uint64_t records,
                                 Make&& made) {
  const auto tree = store.find_tree(name);
  if (!tree) return false;
  for (std::uint64_t height = 0; height < records; ++height) {
    const auto [key, record] = made(height);
    const auto value = store.get(*tree, key);
    if (!value || value->view() != record) return false;
  }
  std::uint64_t found = 0;
  for (auto scan = store.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) ++found;
  return found == records;
}

/// Kills children that bring one store forward and back, as chance has it, each from where the last
/// one was killed.
template <class Below>
void kill_there_and_back(const char* name, std::uint64_t records, int kills) {
  using Store = Migrated<New, Below>;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  REQUIRE(child_succeeds([&] {
    auto store = open<Migrated<Old, Below>>(directory);
    fill_version_2(store, records);
    return true;
  }));
  const auto bring = [&](std::uint32_t back_to) {
    MigratedOptions options{.take_back_to = back_to};
    options.run.batch_records = 2'000;
    static_cast<void>(open<Store>(directory, options));
    return true;
  };
  std::mt19937 random(11);
  int killed = 0;
  int ended = 0;
  int turned = 0;
  bool backward = false;
  while (killed < kills) {
    const bool back = random() % 2 == 0;
    turned += back != backward ? 1 : 0;
    backward = back;
    const pid_t child = in_child([&] { return bring(back ? 2 : 0); });
    (killed_after(child, std::chrono::milliseconds(10 + random() % 120)) ? killed : ended) += 1;
  }
  REQUIRE(child_succeeds([&] { return bring(0); }));
  REQUIRE(child_succeeds([&] {
    return holds_exactly(open<Store>(directory), "blocks_by_hash", records, [](auto height) {
      return std::pair(key_of(hash_of(height)),
                       record_of(NotedBlock{height, hash_of(height), height * 17, "none"}, "\x04"));
    });
  }));
  REQUIRE(child_succeeds([&] { return bring(2); }));
  REQUIRE(child_succeeds([&] {
    return holds_exactly(open<Migrated<Old, Below>>(directory), "blocks", records, [](auto height) {
      return std::pair(key_of(height),
                       record_of(BlockV2{height, hash_of(height), height * 17}, "\x02"));
    });
  }));
  std::printf(
      "figures: %llu records over %s, forward and back: %d killed with kill -9, %d not, %d times "
      "the way was turned; every record was there at both ends\n",
      static_cast<unsigned long long>(records), name, killed, ended, turned);
}

}  // namespace

TEST_CASE("Migrated: a program from before the schema is refused after a kill, too") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Below = Wal<RocksAdapter>;
  REQUIRE(child_succeeds([&] {
    fill<Below>(directory, 100);
    return true;
  }));
  // What marks the store as one with a schema is in the log, and not in the engine.
  REQUIRE(child_succeeds([&] {
    static_cast<void>(std::make_unique<Migrated<ToTwo, Below>>(
                          open<Migrated<ToTwo, Below>>(directory, MigratedOptions{.adopt_as = 1}))
                          .release());
    return true;
  }));
  REQUIRE(child_succeeds([&] {
    try {
      static_cast<void>(open<Below>(directory));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::stack_mismatch;
    }
    return false;
  }));
}

TEST_CASE("Migrated: kill -9 at any moment of a run, over RocksDB") {
  kill_loop<RocksAdapter>("RocksDB", 100'000, 40);
}

TEST_CASE("Migrated: kill -9 at any moment of a run, over LMDB") {
  kill_loop<LmdbAdapter>("LMDB", 100'000, 40);
}

TEST_CASE("Migrated: kill -9 at any moment, forward and back") {
  kill_there_and_back<LmdbAdapter>("LMDB", 20'000, 12);
  kill_there_and_back<RocksAdapter>("RocksDB", 20'000, 12);
}

TEST_CASE("Migrated: kill -9 at any moment, of many records, forward and back", "[.long]") {
  kill_there_and_back<LmdbAdapter>("LMDB", 200'000, 150);
  kill_there_and_back<RocksAdapter>("RocksDB", 200'000, 150);
  kill_there_and_back<Wal<RocksAdapter>>("a log over RocksDB", 200'000, 150);
}

TEST_CASE("Migrated: kill -9 at any moment of a run of a million records", "[.long]") {
  kill_loop<RocksAdapter>("RocksDB", 1'000'000, 300);
  kill_loop<LmdbAdapter>("LMDB", 1'000'000, 300);
  kill_loop<Wal<RocksAdapter>>("a log over RocksDB", 1'000'000, 300);
}
