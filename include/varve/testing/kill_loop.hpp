// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/kill/child_process.hpp>
#include <varve/testing/kill/random_kills.hpp>
#include <varve/testing/kill/workload.hpp>
#include <varve/testing/seed.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::testing {

struct KillOptions {
  std::size_t cycles = 100;
  /// Cycles that one store lives through before a new one is made; 0 for all of them.
  std::size_t cycles_per_store = 0;
  std::size_t writers = 2;
  /// With `synced`, an acknowledged batch must be there. With `buffered`, what was acknowledged
  /// when a flush or a synced write began must be there once that has returned, and of the rest a
  /// part without holes: now and then one of the two is done.
  Durability durability = Durability::synced;
  /// For how long at most a child writes before it is killed.
  std::chrono::microseconds longest{15'000};
  /// Of the random numbers. The one in the environment variable VARVE_SEED, or a fresh one.
  std::uint64_t seed = seed_of_environment();
};

struct KillReport {
  std::uint64_t seed = 0;
  std::size_t cycles = 0;
  std::size_t killed_while_opening = 0;
  std::size_t killed_while_writing = 0;
  std::size_t stores = 0;
  std::uint64_t acknowledged = 0;  ///< batches
  std::uint64_t judged = 0;        ///< stores that were opened after a kill and read to their end
  std::optional<std::string> violation{};  ///< the first; the loop ends there
};

/// One line for people.
[[nodiscard]] inline std::string to_string(const KillReport& report) {
  std::string line =
      std::to_string(report.cycles) + " kills (" + std::to_string(report.killed_while_opening) +
      " while opening, " + std::to_string(report.killed_while_writing) + " while writing) of " +
      std::to_string(report.stores) + " stores, " + std::to_string(report.acknowledged) +
      " batches acknowledged, " + std::to_string(report.judged) + " reopenings judged: ";
  line += report.violation ? *report.violation : "nothing lost, torn, invented or out of order";
  return line + " (seed " + std::to_string(report.seed) + ")";
}

namespace detail {

template <class Open>
class KillLoop {
 public:
  KillLoop(Open open, std::string directory, const KillOptions& options)
      : open_(std::move(open)),
        directory_(std::move(directory)),
        options_(options),
        kills_(options.seed),
        workload_(options.seed),
        ledger_(options.writers) {
    report_.seed = options.seed;
  }

  KillReport run() {
    while (report_.cycles < options_.cycles && !report_.violation) {
      const std::size_t left = options_.cycles - report_.cycles;
      const std::size_t wanted = options_.cycles_per_store;
      live(wanted == 0 || wanted > left ? left : wanted);
    }
    return std::move(report_);
  }

 private:
  using Kind = KillMessage::Kind;

  /// One store, from its making to its last opening, after which nobody kills.
  void live(std::size_t cycles) {
    store_ = directory_ + "/" + std::to_string(report_.stores++);
    workload_ = KillWorkload(options_.seed);
    ledger_ = KillLedger(options_.writers);
    for (std::size_t i = 0; i < cycles && !report_.violation; ++i) {
      ++report_.cycles;
      follow(KillChild([this](const KillPipe& pipe) { work(pipe, true); }), true);
    }
    if (report_.violation) return;  // The store stays, for whoever wants to know.
    follow(KillChild([this](const KillPipe& pipe) { work(pipe, false); }), false);
    if (!report_.violation) std::filesystem::remove_all(store_);
  }

  // In the child.

  void work(const KillPipe& pipe, bool writes) const {
    decltype(auto) opened = open_(store_);
    auto& engine = dereference(opened);
    KillWorkload::Trees trees;
    for (std::size_t i = 0; i < trees.size(); ++i) {
      trees[i] = engine.open_tree(KillWorkload::tree_names[i]);
    }
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < ledger_.writers(); ++i) {
      numbers.push_back(KillWorkload::number_in(engine, trees, i));
    }
    if (const auto wrong = wrong_with(engine, trees, numbers)) {
      return pipe.say(Kind::wrong, *wrong);
    }
    for (std::uint32_t i = 0; i < numbers.size(); ++i) pipe.say({Kind::found, i, numbers[i]});
    pipe.say({Kind::opened});
    if (!writes) return;
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < numbers.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          write(engine, trees, pipe, i, numbers[i]);
        } catch (const std::exception& error) {
          pipe.say(Kind::failed, error.what());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  template <class Opened>
  [[nodiscard]] static auto& dereference(Opened& opened) {
    if constexpr (requires { typename Opened::element_type; }) {
      return *opened;
    } else {
      return opened;
    }
  }

  template <KvEngine E>
  [[nodiscard]] std::optional<std::string> wrong_with(
      const E& engine, const KillWorkload::Trees& trees,
      const std::vector<std::uint64_t>& numbers) const {
    if (auto wrong = ledger_.judge(numbers)) return wrong;
    KillWorkload expected = workload_;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      expected.advance(i, ledger_.found(i), numbers[i], epoch_);
    }
    if (auto torn = expected.difference(engine, trees)) return "torn: " + *torn;
    return std::nullopt;
  }

  template <KvEngine E>
  [[noreturn]] void write(E& engine, const KillWorkload::Trees& trees, const KillPipe& pipe,
                          std::uint32_t writer, std::uint64_t number) const {
    Random random(options_.seed ^ (report_.cycles << 8U) ^ writer);
    for (;;) {
      ++number;
      const WriteBatch batch = workload_.batch(trees, writer, number, report_.cycles);
      const bool relaxed = options_.durability == Durability::buffered && !random.one_in(40);
      pipe.say({Kind::sent, writer, number});
      engine.write(batch, relaxed ? Durability::buffered : Durability::synced);
      pipe.say({Kind::acknowledged, writer, number, relaxed ? 0U : 1U});
      if (!random.one_in(60)) continue;
      pipe.say({Kind::flushing, writer});
      engine.flush();
      pipe.say({Kind::flushed, writer});
    }
  }

  // In the parent.

  /// Listens to a child and, where it is to die, kills it at a random moment.
  void follow(KillChild&& child, bool kills) {
    const KillLife life =
        kills_.follow(child, kills ? std::optional(options_.longest) : std::nullopt,
                      [&](const KillMessage& message) { hear(child, message); });
    if (life.wrong && !report_.violation) report_.violation = life.wrong;
    if (kills) ++(life.opened ? report_.killed_while_writing : report_.killed_while_opening);
  }

  void hear(KillChild& child, const KillMessage& message) {
    const std::size_t writer = message.writer;
    switch (message.kind) {
      case Kind::sent: ledger_.send(writer, message.number); break;
      case Kind::acknowledged:
        ++report_.acknowledged;
        ledger_.acknowledge(writer, message.number, message.durable != 0);
        break;
      case Kind::flushing: ledger_.begin_flush(writer); break;
      case Kind::flushed: ledger_.end_flush(writer); break;
      case Kind::found:
        found_.resize(ledger_.writers());
        found_[writer] = message.number;
        break;
      case Kind::opened:
        ++report_.judged;
        for (std::size_t i = 0; i < found_.size(); ++i) {
          workload_.advance(i, ledger_.found(i), found_[i], epoch_);
          ledger_.find(i, found_[i]);
        }
        epoch_ = report_.cycles;
        break;
      case Kind::wrong: blame(child.text(message)); break;
      case Kind::failed: blame("failed: an operation threw " + child.text(message)); break;
    }
  }

  void blame(std::string sentence) {
    if (report_.violation) return;
    report_.violation = std::move(sentence) + ", in cycle " + std::to_string(report_.cycles) +
                        ", in the store " + store_;
  }

  Open open_;
  std::string directory_;
  KillOptions options_;
  RandomKills kills_;
  KillWorkload workload_;  ///< what the store held when it was last opened
  KillLedger ledger_;
  KillReport report_;
  std::string store_;
  std::uint64_t epoch_ = 0;  ///< the cycle whose child wrote what was written since
  std::vector<std::uint64_t> found_;
};

}  // namespace detail

/// Kills a process that writes to a store, with SIGKILL and at random moments, again and again, and
/// judges what is there when the store is opened the next time: every batch that was promised,
/// every batch whole, nothing that was never sent or was given up before, and no hole, that is no
/// batch without one that was acknowledged before it was sent.
///
/// `open(directory)` gives the engine of a store, by value or by `std::unique_ptr`; it makes the
/// store where it is not there. It is called in child processes only, which this one forks: it must
/// have no other thread, so no engine may have been opened in it before. Stores are made below
/// `directory`, which exists; the one with a violation is left there. Errors: `invalid_argument`
/// where there are threads, `io` where nothing can be forked.
template <class Open>
  requires std::invocable<const Open&, const std::string&>
[[nodiscard]] KillReport run_kill_loop(Open open, std::string directory, KillOptions options = {}) {
  return detail::KillLoop<Open>(std::move(open), std::move(directory), options).run();
}

}  // namespace varve::testing
