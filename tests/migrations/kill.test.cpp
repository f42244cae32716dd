// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/tree_digest.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "child.hpp"
#include "migrations/blocks.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve_test::child_succeeds;
using varve_test::start_child;
using varve_test::TempDirectory;
using varve_test::wait_for;

namespace {

using Clock = std::chrono::steady_clock;

/// Blocks of version 1 as a program without a schema wrote them.
template <class Below>
void fill(const std::string& directory, std::uint64_t records) {
  auto store = open<Below>(directory);
  const Tree blocks = store.open_tree("blocks");
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

/// What the blocks must be at both ends of the way, as numbers: they are too many to be compared
/// one by one after each run.
struct Ends {
  TreeDigest first;
  TreeDigest last;

  explicit Ends(std::uint64_t records) {
    for (std::uint64_t height = 0; height < records; ++height) {
      const std::string hash = hash_of(height);
      first.add(key_of(height), record_of(BlockV1{height, hash}));
      last.add(key_of(hash), record_of(NotedBlock{height, hash, height * 17, "none"}, "\x04"));
    }
  }
};

/// Throws where the store is not at that end, whole, or where records were done twice on the way.
template <class Store>
void check_end(Store& store, const Ends& ends, bool at_first) {
  const TreeDigest& expected = at_first ? ends.first : ends.last;
  if (store.version() != (at_first ? 1U : 4U)) throw std::runtime_error("of another version");
  const auto tree = store.find_tree(at_first ? "blocks" : "blocks_by_hash");
  if (!tree || digest_tree(store, *tree) != expected) {
    throw std::runtime_error("other blocks than there were");
  }
  const auto other = store.find_tree(at_first ? "blocks_by_hash" : "blocks");
  if (other && store.scan(*other, KeyRange::all()).valid()) {
    throw std::runtime_error("blocks are left at the other end");
  }
  const auto history = store.history();
  for (std::size_t i = history.size() - 3; i != history.size(); ++i) {
    if (history[i].refused != 0) throw std::runtime_error("records were refused");
  }
}

/// What the children have come to, before they were killed.
struct Reached {
  std::atomic<std::uint64_t> ends{0};     ///< runs that came to their end
  std::atomic<std::uint64_t> resumed{0};  ///< openings that found a run under way, and went on
  std::atomic<std::uint64_t> reports{0};  ///< of progress
  std::atomic<bool> back{false};          ///< the way of the last one
};

/// In memory that children of `fork` share with this process.
class SharedReached {
 public:
  SharedReached() {
    void* const memory =
        ::mmap(nullptr, sizeof(Reached), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    reached_ = new (memory) Reached;
  }
  SharedReached(const SharedReached&) = delete;
  SharedReached& operator=(const SharedReached&) = delete;
  ~SharedReached() { ::munmap(reached_, sizeof(Reached)); }

  Reached* operator->() const noexcept { return reached_; }

 private:
  Reached* reached_ = nullptr;
};

/// Brings the store forward and back, and again, until it is killed. What a killed one has left is
/// on its way to somewhere: it goes on to there, or, as `turns` has it, the other way.
template <class Below>
void go_for_ever(const std::string& directory, const Ends& ends, bool turns,
                 std::size_t batch_records, const SharedReached& reached) {
  using Store = Migrated<New, Below>;
  for (bool back = reached->back != turns;; back = !back) {
    reached->back = back;
    MigratedOptions options{.adopt_as = 1, .take_back_to = back ? 1U : 0U};
    options.run.batch_records = batch_records;
    options.run.progress = [&, first = true](const MigrationProgress& now) mutable {
      ++reached->reports;
      const bool goes_on = now.verifying || now.done > options.run.batch_records;
      if (std::exchange(first, false) && goes_on) ++reached->resumed;
    };
    auto store = open<Store>(directory, options);
    check_end(store, ends, back);
    ++reached->ends;
  }
}

/// How long it takes to bring the store forward, untouched, and back.
template <class Below>
[[nodiscard]] Clock::duration there_and_back_in(const std::string& directory, const Ends& ends) {
  const auto start = Clock::now();
  REQUIRE(child_succeeds([&] {
    using Store = Migrated<New, Below>;
    {
      auto store = open<Store>(directory, MigratedOptions{.adopt_as = 1});
      check_end(store, ends, false);
    }
    auto store = open<Store>(directory, MigratedOptions{.take_back_to = 1});
    check_end(store, ends, true);
    return true;
  }));
  return Clock::now() - start;
}

/// Kills the children that bring one store forward and back, each at a random moment of its way,
/// each on what the last one has left. The store is whole at each end that one of them reaches, and
/// at both in the end.
template <class Below>
void kill_loop(const char* name, std::uint64_t records, int kills) {
  const auto begun = Clock::now();
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const Ends ends(records);
  REQUIRE(child_succeeds([&] {
    fill<Below>(directory, records);
    return true;
  }));
  const auto whole = there_and_back_in<Below>(directory, ends);
  const SharedReached reached;
  std::mt19937_64 random(11);
  const std::size_t batch_records = records / 50;
  for (int killed = 0; killed < kills; ++killed) {
    const bool turns = random() % 4 == 0;
    const std::uint64_t until = reached->reports + random() % 16;
    const pid_t child = start_child([&] {
      go_for_ever<Below>(directory, ends, turns, batch_records, reached);
      return true;
    });
    // At once, or so far on its way, and then at any moment of a batch.
    const bool at_once = random() % 4 == 0;
    int status = 0;
    while (!at_once && reached->reports < until) {
      REQUIRE(::waitpid(child, &status, WNOHANG) == 0);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    REQUIRE(::kill(child, SIGKILL) == 0);
    status = wait_for(child);
    CAPTURE(killed);
    REQUIRE(WIFSIGNALED(status));
  }
  static_cast<void>(there_and_back_in<Below>(directory, ends));
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  std::printf(
      "figures: %llu records over %s, forward and back in %.1f s: one store, %d processes that "
      "migrated it killed with kill -9 in %.0f s; %llu of them went on with what another had left, "
      "%llu runs came to their end, each with every record\n",
      static_cast<unsigned long long>(records), name, seconds(whole), kills,
      seconds(Clock::now() - begun), static_cast<unsigned long long>(reached->resumed),
      static_cast<unsigned long long>(reached->ends));
  CHECK(reached->resumed > static_cast<std::uint64_t>(kills) / 4);
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("Migrated: a program from before the schema is refused after a kill, too") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Below = Wal<RocksAdapter>;
  using Store = Migrated<New, Below>;
  REQUIRE(child_succeeds([&] {
    fill<Below>(directory, 100);
    return true;
  }));
  // What marks the store as one with a schema is in the log, and not in the engine.
  REQUIRE(child_succeeds([&] {
    static_cast<void>(
        std::make_unique<Store>(open<Store>(directory, MigratedOptions{.adopt_as = 1})).release());
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

TEST_CASE("Migrated: kill -9 at any moment of a run, forward and back, over RocksDB") {
  kill_loop<RocksAdapter>("RocksDB", 40'000, 40);
}

TEST_CASE("Migrated: kill -9 at any moment of a run, forward and back, over LMDB") {
  kill_loop<LmdbAdapter>("LMDB", 40'000, 40);
}

TEST_CASE("Migrated: kill -9 at any moment of a run of a million records, over RocksDB",
          "[.long]") {
  kill_loop<RocksAdapter>("RocksDB", 1'000'000, 300);
}

TEST_CASE("Migrated: kill -9 at any moment of a run of a million records, over LMDB", "[.long]") {
  kill_loop<LmdbAdapter>("LMDB", 1'000'000, 300);
}

TEST_CASE("Migrated: kill -9 at any moment of a run, over a log and RocksDB", "[.long]") {
  kill_loop<Wal<RocksAdapter>>("a log over RocksDB", 200'000, 100);
}
