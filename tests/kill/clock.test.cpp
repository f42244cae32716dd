// SPDX-License-Identifier: Apache-2.0
//
// The clock of the wall jumps by years, forth and back, while stores are used: this process has one
// of its own.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <string>

namespace {

std::atomic<std::time_t> ahead{0};
std::atomic<int> asked{0};

std::time_t moved(std::time_t seconds) {
  ++asked;
  return seconds + ahead;
}

}  // namespace

// In the place of those of the C library, for all libraries of the process.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec = moved(now->tv_sec);
  return static_cast<int>(result);
}

extern "C" int gettimeofday(timeval* now, void* /*zone*/) noexcept {
  timespec precise{};
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  *now = {precise.tv_sec, precise.tv_nsec / 1000};
  return result;
}

extern "C" std::time_t time(std::time_t* now) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now != nullptr) *now = precise.tv_sec;
  return precise.tv_sec;
}

using namespace varve;
using namespace varve_test;

namespace {

constexpr std::time_t year = 365 * 24 * 3600;

template <class Stack>
std::string missing_of(const Stack& store, Tree tree, int values) {
  for (int i = 0; i < values; ++i) {
    if (get_copy(store, tree, std::to_string(i)) != std::string(200, 'v')) {
      return std::to_string(i) + " is not there";
    }
  }
  return "";
}

}  // namespace

TEMPLATE_TEST_CASE("fault class 12: a clock that jumps by years changes nothing", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<RocksAdapter>>, LmdbAdapter, RocksAdapter,
                                        Wal<MemoryAdapter>, Wal<LmdbAdapter>,
                                        Wal<Buffered<LmdbAdapter>>)) {
  const TempDirectory temp;
  int values = 0;
  ahead = 0;
  for (const std::time_t years : {0, 20, -20, -40, 60, 0}) {
    INFO("a clock of " << years << " years more");
    auto store = varve::open<TestType>(temp / "store");
    const Tree tree = store.open_tree("t");
    ahead = years * year;
    CHECK(missing_of(store, tree, values) == "");
    for (int i = 0; i < 40; ++i) {
      ahead = ahead + (i % 2 == 0 ? year : -year);
      put(store, tree, std::to_string(values++), std::string(200, 'v'),
          i % 4 == 0 ? Durability::synced : Durability::buffered);
    }
    store.flush();
    CHECK(missing_of(store, tree, values) == "");
  }
  ahead = 0;
  const auto store = varve::open<TestType>(temp / "store");
  CHECK(missing_of(store, store.find_tree("t").value(), values) == "");
  CHECK(std::time(nullptr) > 40 * year);
  CHECK(asked > 0);
}

TEST_CASE("fault class 12: an interval between syncs is not of the clock of the wall") {
  const TempDirectory temp;
  ahead = 0;
  auto store = varve::open<Wal<MemoryAdapter>>(
      temp / "store", WalOptions{.sync = WalSync::interval, .sync_interval_ms = 1});
  const Tree tree = store.open_tree("t");
  asked = 0;
  for (int i = 0; i < 100; ++i) put(store, tree, std::to_string(i), "v");
  CHECK(asked == 0);
}
