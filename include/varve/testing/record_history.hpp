// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/operations.hpp>
#include <varve/testing/linearizability/history.hpp>
#include <varve/testing/model/random.hpp>
#include <varve/testing/seed.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::testing {

struct RecordOptions {
  std::size_t threads = 4;
  std::size_t calls = 400;  ///< of each thread
  std::size_t keys = 4;     ///< few, so that the threads meet
  /// One call in so many is a synced write; the other writes are buffered.
  std::uint32_t synced_one_in = 16;
  std::uint64_t seed = seed_of_environment();
};

namespace detail {

/// One thread of a recording.
template <class E>
class Recorder {
 public:
  Recorder(E& engine, Tree tree, std::atomic<std::uint64_t>& clock, std::size_t thread,
           const RecordOptions& options)
      : engine_(engine),
        tree_(tree),
        clock_(clock),
        thread_(thread),
        options_(options),
        random_(options.seed + thread) {}

  [[nodiscard]] History run() {
    for (std::size_t i = 0; i < options_.calls; ++i) step(i);
    return std::move(history_);
  }

 private:
  void step(std::size_t number) {
    const auto keys = static_cast<std::uint32_t>(options_.keys);
    const std::string key = "key" + std::to_string(random_.below(keys));
    const std::string value = std::to_string(thread_) + "." + std::to_string(number);
    const std::uint32_t dice = random_.below(12);
    if (dice < 6) return read(key, dice);
    if constexpr (TransactionalEngine<E>) {
      if (dice == 11) return compare_and_set(key, value);
    }
    WriteBatch batch;
    HistoryCall call{thread_, dice == 6 ? CallKind::erase : CallKind::put, key};
    if (call.kind == CallKind::erase) {
      batch.erase(tree_, key);
    } else {
      batch.put(tree_, key, value);
      call.written = value;
    }
    const bool synced = random_.one_in(options_.synced_one_in);
    write(std::move(call), [&] {
      engine_.write(batch, synced ? Durability::synced : Durability::buffered);
      return true;
    });
  }

  /// The ways in which an engine reads one key; all must tell the same.
  void read(const std::string& key, std::uint32_t way) {
    HistoryCall call{thread_, way == 0 ? CallKind::contains : CallKind::get, key};
    call.start = now();
    if (way == 0) {
      if (engine_.contains(tree_, key)) call.seen.emplace();
    } else if (way == 1) {
      const auto scan = engine_.scan(tree_, KeyRange::between(key, key + '\x01'));
      if (scan.valid()) call.seen = scan.entry().value;
    } else if (way == 2) {
      call.seen = read_of_many(key);
    } else {
      call.seen = get_copy(engine_, tree_, key);
    }
    call.end = now();
    history_.push_back(std::move(call));
  }

  std::optional<std::string> read_of_many(BytesView key) {
    if constexpr (SnapshotEngine<E>) {
      if (random_.one_in(2)) return get_copy(engine_.snapshot(), tree_, key);
    }
    std::array<std::optional<pinned_t<E>>, 2> values;
    const std::array<BytesView, 2> keys{key, "another"};
    multi_get(engine_, tree_, std::span<const BytesView>(keys),
              std::span<std::optional<pinned_t<E>>>(values));
    if (!values[0]) return std::nullopt;
    return std::string(values[0]->view());
  }

  /// A transaction that commits did its read and its write at one moment.
  void compare_and_set(const std::string& key, const std::string& value) {
    HistoryCall call{thread_, CallKind::compare_and_set, key, value};
    call.start = now();
    auto transaction = engine_.begin_transaction();
    call.seen = get_copy(transaction, tree_, key);
    transaction.put(tree_, key, value);
    write(std::move(call), [&] { return transaction.commit(Durability::buffered); });
  }

  /// Records a call that may throw or answer that it did nothing.
  template <class Do>
  void write(HistoryCall call, Do act) {
    if (call.start == 0) call.start = now();
    try {
      if (!act()) return;
      call.end = now();
    } catch (const Error& error) {
      // What changed nothing needs no place.
      if (error.kind() == ErrorKind::invalid_argument || error.retryable()) return;
      if (error.kind() == ErrorKind::poisoned) return;
    }
    history_.push_back(std::move(call));
  }

  [[nodiscard]] std::uint64_t now() noexcept { return clock_.fetch_add(1) + 1; }

  E& engine_;
  Tree tree_;
  std::atomic<std::uint64_t>& clock_;
  std::size_t thread_;
  const RecordOptions& options_;
  Random random_;
  History history_;
};

}  // namespace detail

/// Reads and writes few keys of an empty tree with many threads at once, in every way in which the
/// engine can, and answers who called what when. A write that throws is recorded as indeterminate,
/// except where its error says that it changed nothing. What a read throws is thrown here.
template <KvEngine E>
[[nodiscard]] History record_history(E& engine, Tree tree, const RecordOptions& options = {}) {
  std::atomic<std::uint64_t> clock{0};
  std::mutex mutex;
  History history;
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] {
      try {
        History part = detail::Recorder<E>(engine, tree, clock, i, options).run();
        const std::lock_guard lock(mutex);
        history.insert(history.end(), part.begin(), part.end());
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return history;
}

}  // namespace varve::testing
