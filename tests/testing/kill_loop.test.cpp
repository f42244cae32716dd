// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/open.hpp>
#include <varve/testing/kill_loop.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

using namespace varve;
using namespace varve_test;
using varve::testing::KillOptions;
using varve::testing::KillReport;

namespace {

/// LMDB with something wrong about its writes.
class BrokenStore : public LmdbAdapter {
 public:
  explicit BrokenStore(const std::string& directory) : LmdbAdapter(directory) {}

 protected:
  mutable std::mutex mutex_;
};

/// Batches are applied an operation at a time.
struct TearsBatches : BrokenStore {
  using BrokenStore::BrokenStore;
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    for (const WriteOp op : batch) {
      WriteBatch one;
      switch (op.kind) {
        case WriteOpKind::put: one.put(op.tree, op.key, op.value); break;
        case WriteOpKind::erase: one.erase(op.tree, op.key); break;
        default: one.erase_range(op.tree, KeyRange::between(op.key, op.value));
      }
      LmdbAdapter::write(one, durability);
    }
  }
};

/// A batch is acknowledged when it is taken, and written with the next one.
struct AcknowledgesEarly : BrokenStore {
  using BrokenStore::BrokenStore;
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    const std::lock_guard lock(mutex_);
    LmdbAdapter::write(pending_, durability);
    pending_ = batch;
  }

 private:
  WriteBatch pending_;
};

/// A batch that is not synced may be overtaken by one that came later.
struct LeavesHoles : BrokenStore {
  using BrokenStore::BrokenStore;
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    const std::lock_guard lock(mutex_);
    const bool first = batch.begin() != batch.end() && (*batch.begin()).key[0] == '0';
    if (first && durability == Durability::buffered) {
      pending_.append(batch);
      return;
    }
    if (durability == Durability::synced) {
      LmdbAdapter::write(pending_);
      pending_.clear();
    }
    LmdbAdapter::write(batch, durability);
  }
  void flush() {
    const std::lock_guard lock(mutex_);
    LmdbAdapter::write(pending_);
    pending_.clear();
    LmdbAdapter::flush();
  }

 private:
  WriteBatch pending_;
};

/// Nothing is kept that was written in this life.
struct Forgets : BrokenStore {
  using BrokenStore::BrokenStore;
  void write(const WriteBatch&, Durability = Durability::synced) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
};

template <class Store>
KillReport loop(KillOptions options) {
  const TempDirectory temp;
  return varve::testing::run_kill_loop(
      [](const std::string& directory) { return std::make_unique<Store>(directory); }, temp.path(),
      options);
}

template <class Store>
std::string violation(Durability durability) {
  const auto report = loop<Store>({.cycles = 200, .durability = durability});
  return report.violation.value_or("none");
}

}  // namespace

TEST_CASE("kill_loop: a store that keeps its promises passes, old or fresh, synced or not") {
  const auto durability = GENERATE(Durability::synced, Durability::buffered);
  const auto cycles_per_store = GENERATE(std::size_t{0}, std::size_t{1});
  const auto report = loop<LmdbAdapter>(
      {.cycles = 20, .cycles_per_store = cycles_per_store, .durability = durability});
  INFO(to_string(report));
  CHECK_FALSE(report.violation);
  CHECK(report.cycles == 20);
  CHECK(report.stores == (cycles_per_store == 0 ? 1 : 20));
  CHECK(report.killed_while_opening + report.killed_while_writing == 20);
  CHECK(report.acknowledged > 0);
}

TEST_CASE("kill_loop: as the guide shows it") {
  const TempDirectory temp;
  // [kill-loop]
  const varve::testing::KillReport report = varve::testing::run_kill_loop(
      [](const std::string& directory) { return varve::open<varve::LmdbAdapter>(directory); },
      temp.path(), {.cycles = 20, .durability = varve::Durability::synced});
  INFO(to_string(report));
  CHECK_FALSE(report.violation);
  // [/kill-loop]
}

TEST_CASE("kill_loop: a torn batch is found") {
  CHECK_THAT(violation<TearsBatches>(Durability::synced), StartsWith("torn: the record "));
}

TEST_CASE("kill_loop: a batch acknowledged before it was written is found missing") {
  CHECK_THAT(violation<AcknowledgesEarly>(Durability::synced), StartsWith("lost: the store "));
}

TEST_CASE("kill_loop: a store that forgets is found") {
  CHECK_THAT(violation<Forgets>(Durability::synced), StartsWith("lost: the store holds 0 "));
}

TEST_CASE("kill_loop: a hole between writers is found") {
  CHECK_THAT(violation<LeavesHoles>(Durability::buffered), StartsWith("hole: the store "));
}

TEST_CASE("kill_loop: a child that fails is a violation that says why, and its store is left") {
  const TempDirectory temp;
  // Of this seed the first child is not killed while it opens its store.
  const auto report = varve::testing::run_kill_loop(
      [](const std::string& directory) {
        std::filesystem::create_directory(directory);
        throw Error(ErrorKind::io, {.message = "the disk is gone"});
        return std::make_unique<LmdbAdapter>(directory);
      },
      temp.path(), {.cycles = 3, .seed = 1});
  REQUIRE(report.violation);
  CHECK_THAT(*report.violation, ContainsSubstring("threw varve: io: the disk is gone, in cycle 1"));
  CHECK(std::filesystem::exists(temp / "0"));
}

#if defined(__linux__) && !VARVE_THREAD_SANITIZED
TEST_CASE("kill_loop: a process with threads is refused") {
  std::mutex mutex;
  mutex.lock();
  std::thread other([&] { const std::lock_guard lock(mutex); });
  std::string message;
  try {
    static_cast<void>(loop<LmdbAdapter>({.cycles = 1}));
  } catch (const Error& error) {
    message = error.what();
  }
  mutex.unlock();
  other.join();
  CHECK_THAT(message, ContainsSubstring("more than one thread"));
}
#endif
