// SPDX-License-Identifier: Apache-2.0
//
// Memory runs out at each allocation of a run in turn, once or for ever. What fails says so;
// nothing that was acknowledged goes, no batch is torn, and the store is as it was or poisoned.
#include <varve/adapters/memory.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "catch.hpp"
#include "held_files.hpp"

namespace {

constexpr std::int64_t plenty = std::int64_t{1} << 60;

std::atomic<std::int64_t> allocations_left{plenty};
std::atomic<bool> for_ever{false};

void* allocate(std::size_t size) noexcept {
  const std::int64_t left = allocations_left.fetch_sub(1, std::memory_order_relaxed);
  if (left == 1 || (left < 1 && for_ever)) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate_or_throw(std::size_t size) {
  if (void* const bytes = allocate(size)) return bytes;
  throw std::bad_alloc();
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  return allocate_or_throw(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return allocate_or_throw(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*nothrow*/) noexcept {
  return allocate(size);
}
[[gnu::noinline]] void operator delete(void* bytes) noexcept {
  std::free(bytes);
}
[[gnu::noinline]] void operator delete[](void* bytes) noexcept {
  std::free(bytes);
}
[[gnu::noinline]] void operator delete(void* bytes, std::size_t /*size*/) noexcept {
  std::free(bytes);
}
[[gnu::noinline]] void operator delete[](void* bytes, std::size_t /*size*/) noexcept {
  std::free(bytes);
}

using namespace varve;
using varve_test::HeldFiles;

namespace {

constexpr std::int64_t stride = VARVE_SANITIZED ? 7 : 1;

constexpr int batches = 12;

template <class Stack>
Stack open_store(const HeldFiles& files) {
  return varve::open<Stack>("db", WalOptions{.checkpoint_bytes = 600, .segment_bytes = 300}, files);
}

std::string key_of(int number) {
  return "a key that no short string holds, number " + std::to_string(number);
}

struct Run {
  int acknowledged = 0;
  int sent = 0;
  bool failed = false;
};

/// Batches over two trees and reads, until something fails.
template <class Stack>
void use(Stack& store, Run& run) {
  const Tree one = store.open_tree("one");
  const Tree two = store.open_tree("two");
  for (; run.acknowledged < batches; ++run.acknowledged) {
    ++run.sent;
    WriteBatch batch;
    batch.put(one, key_of(run.sent - 1), "1").put(two, key_of(run.sent - 1), std::string(40, '2'));
    store.write(batch, run.sent % 3 == 0 ? Durability::synced : Durability::buffered);
    (void)get_copy(store, one, key_of(run.sent / 2));
    for (auto scan = store.scan(two, KeyRange::all()); scan.valid(); scan.next()) {
    }
  }
  store.flush();
}

/// What is wrong with what is there, or nothing. Each batch is there in both trees or in none,
/// those before the last that is there too, and those that were acknowledged.
template <class Stack>
std::string judge(const Stack& store, const Run& run) {
  const auto one = store.find_tree("one");
  const auto two = store.find_tree("two");
  int there = 0;
  for (int i = 0; i < batches + 1 && one && two; ++i) {
    const bool first = store.contains(*one, key_of(i));
    if (first != store.contains(*two, key_of(i))) return "batch " + std::to_string(i) + " is torn";
    if (first && there != i) return "a hole before batch " + std::to_string(i);
    there += first ? 1 : 0;
  }
  if (there < run.acknowledged) {
    return std::to_string(run.acknowledged) + " were acknowledged, there are " +
           std::to_string(there);
  }
  return there > run.sent ? "more are there than were sent" : "";
}

/// Whether it fails as it may.
template <class Call>
bool fails(Call call) {
  try {
    call();
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const Error&) {
    return true;
  }
}

/// What is wrong with a store that met an allocation that failed.
template <class Stack>
std::string judge_further(Stack& store, const Run& run) {
  std::string wrong = judge(store, run);
  if (!wrong.empty() || !run.failed) return wrong;
  // It works on, or refuses.
  try {
    const Tree tree = store.open_tree("after");
    put(store, tree, "key", "value");
    if (get_copy(store, tree, "key") != "value") wrong = "a later write is lost";
  } catch (const Error& error) {
    const bool refused =
        error.kind() == ErrorKind::poisoned || error.kind() == ErrorKind::indeterminate;
    if (!refused) wrong = error.what();
  }
  return wrong;
}

/// Runs out of memory at one allocation, and looks at what is left: what is wrong with it, or
/// nothing where there was no such allocation.
template <class Stack>
std::optional<std::string> run_out(std::int64_t at, bool later_too) {
  const HeldFiles files;
  Run run;
  bool met = false;
  const auto end_of_shortage = [&] {
    met = met || allocations_left <= 0;
    allocations_left = plenty;
    for_ever = false;
  };
  std::string wrong;
  for_ever = later_too;
  allocations_left = at;
  (void)fails([&] {
    Stack store = open_store<Stack>(files);
    run.failed = fails([&] { use(store, run); });
    end_of_shortage();
    wrong = judge_further(store, run);
  });
  end_of_shortage();
  if (!met) return std::nullopt;
  const Stack again = open_store<Stack>(files);
  return wrong.empty() ? judge(again, run) : wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("fault class 18: an allocation that fails is told, and nothing is lost or torn",
                   "", (Wal<MemoryAdapter, HeldFiles>), (Wal<Buffered<MemoryAdapter>, HeldFiles>),
                   (Cached<Wal<MemoryAdapter, HeldFiles>>)) {
  std::int64_t met = 0;
  for (const bool later_too : {false, true}) {
    for (std::int64_t at = 1;; at += stride) {
      const auto wrong = run_out<TestType>(at, later_too);
      if (!wrong) break;
      ++met;
      if (!wrong->empty()) FAIL_CHECK(at << (later_too ? " and all after it: " : ": ") << *wrong);
    }
  }
  CHECK(met * stride > 200);
  std::printf("figures: out of memory at each of %lld allocations: nothing lost or torn\n",
              static_cast<long long>(met));
  std::fflush(stdout);
}
