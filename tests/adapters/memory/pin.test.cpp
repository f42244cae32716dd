// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory/fence.hpp>
#include <varve/adapters/memory/pin.hpp>
#include <varve/adapters/memory/reader_slots.hpp>
#include <varve/adapters/memory/version.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace varve::detail::memory;

namespace {

std::vector<const void*> announced() {
  std::vector<const void*> all;
  ReaderSlots::for_each([&](const Slot& slot) {
    if (const void* const version = slot.load()) all.push_back(version);
  });
  return all;
}

/// A version that is superseded between the reader's first look and its announcement.
struct Superseded {
  const Version* before;
  const Version* after;
  mutable int looks = 0;

  const Version* load(std::memory_order /*order*/) const { return looks++ == 0 ? before : after; }
};

}  // namespace

TEST_CASE("Pin: what was superseded before it was announced is not read") {
  const Version before;
  const Version after;
  const Superseded current{&before, &after};
  const Pin pin(current);
  CHECK(&pin.version() == &after);
  CHECK(current.looks == 3);
  CHECK(announced() == std::vector<const void*>{&after});
}

TEST_CASE("Pin: is announced as long as it is held, wherever it is moved") {
  const Version version;
  const std::atomic<const Version*> current{&version};
  {
    Pin first(current);
    Pin second(first.version());
    CHECK(announced().size() == 2);
    Pin moved = std::move(first);
    CHECK_FALSE(first);
    CHECK(announced().size() == 2);
    moved = std::move(second);
    CHECK(announced().size() == 1);
    std::thread([&] { const Pin elsewhere = std::move(moved); }).join();
    CHECK(announced().empty());
  }
  std::vector<Pin> many;
  for (int i = 0; i != 1000; ++i) many.emplace_back(current);
  CHECK(announced().size() == 1000);
  many.clear();
  CHECK(announced().empty());
}

TEST_CASE(
    "fence_readers: a reader that looked too early is seen, one that is not seen looks late") {
  constexpr int rounds = 3000;
  alignas(64) std::atomic<int> announcement{0};
  alignas(64) std::atomic<int> current{0};
  alignas(64) std::atomic<int> ready{0};
  std::vector<int> saw_old(rounds + 1, 0);
  const auto meet = [&](int round) {
    ready.fetch_add(1);
    while (ready.load() < 2 * round) {
    }
  };
  std::thread reader([&] {
    for (int round = 1; round <= rounds; ++round) {
      meet(round);
      announce(announcement, round);
      saw_old[static_cast<std::size_t>(round)] = current.load(std::memory_order_seq_cst) < round;
    }
    ready.fetch_add(1);
  });
  std::vector<int> missed(rounds + 1, 0);
  int refused = 0;
  for (int round = 1; round <= rounds; ++round) {
    meet(round);
    current.store(round, std::memory_order_release);
    refused += fence_readers() ? 0 : 1;
    missed[static_cast<std::size_t>(round)] = announcement.load(std::memory_order_seq_cst) < round;
  }
  reader.join();
  CHECK(refused == 0);
  int both = 0;
  for (std::size_t i = 1; i <= rounds; ++i) both += saw_old[i] & missed[i];
  CHECK(both == 0);
}
