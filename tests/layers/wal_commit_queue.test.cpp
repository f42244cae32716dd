// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/wal/commit_queue.hpp>

#include "catch.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using varve::detail::CommitQueue;
using varve::detail::CommitRequest;

namespace {

std::size_t length(const CommitRequest* first) {
  std::size_t count = 0;
  for (; first != nullptr; first = first->next) ++count;
  return count;
}

void finish_all(CommitRequest* first) {
  while (first != nullptr) {
    CommitRequest* const following = first->next;
    CommitQueue::finish(*first);
    first = following;
  }
}

}  // namespace

TEST_CASE(
    "CommitQueue: all that wait while one is led are the next group, in the order of arrival") {
  CommitQueue queue;
  std::atomic<bool> leads{false};
  std::atomic<bool> may_go{false};
  std::atomic<int> arrived{0};
  std::vector<std::size_t> groups;
  std::vector<void*> order;
  const auto lead = [&](CommitRequest* first) {
    groups.push_back(length(first));
    for (auto* at = first; at != nullptr; at = at->next) order.push_back(at);
    leads = true;
    while (!may_go) std::this_thread::yield();
    finish_all(first);
  };
  CommitRequest own;
  std::thread leader([&] { queue.submit(own, lead); });
  while (!leads) std::this_thread::yield();
  std::vector<std::thread> followers;
  std::vector<CommitRequest> requests(8);
  for (int i = 0; i < 8; ++i) {
    followers.emplace_back([&, i] {
      arrived = i + 1;
      queue.submit(requests[static_cast<std::size_t>(i)], lead);
    });
    while (arrived != i + 1) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  may_go = true;
  leader.join();
  for (std::thread& follower : followers) follower.join();
  CHECK(groups == std::vector<std::size_t>{1, 8});
  REQUIRE(order.size() == 9);
  CHECK(order[0] == &own);
  for (std::size_t i = 0; i < 8; ++i) CHECK(order[i + 1] == &requests[i]);
}

TEST_CASE("CommitQueue: each thread gets its own failure, whoever led") {
  CommitQueue queue;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 2000; ++round) {
        CommitRequest request;
        request.synced = (round + thread) % 3 != 0;
        bool failed = false;
        try {
          queue.submit(request, [](CommitRequest* first) {
            for (auto* at = first; at != nullptr; at = at->next) {
              if (!at->synced) at->failure = std::make_exception_ptr(std::runtime_error("no"));
            }
            finish_all(first);
          });
        } catch (const std::runtime_error&) {
          failed = true;
        }
        if (failed == request.synced) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("CommitQueue: alone runs while nobody leads, and who waits meanwhile is done after") {
  CommitQueue queue;
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  std::atomic<int> done{0};
  const auto enter = [&] {
    if (inside.fetch_add(1) != 0) together = true;
    inside.fetch_sub(1);
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 300; ++turn) {
        CommitRequest request;
        queue.submit(request, [&](CommitRequest* first) {
          while (first != nullptr) {
            enter();
            ++done;
            CommitRequest* const following = first->next;
            CommitQueue::finish(*first);
            first = following;
          }
        });
      }
    });
  }
  for (int turn = 0; turn < 300; ++turn) queue.alone(enter);
  for (std::thread& thread : threads) thread.join();
  CHECK(done == 900);
  CHECK_FALSE(together);
}
