// SPDX-License-Identifier: Apache-2.0
#include "history/deeds.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/kill/random_kills.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using varve::testing::detail::KillChild;
using varve::testing::detail::KillLife;
using varve::testing::detail::KillMessage;
using varve::testing::detail::KillPipe;
using varve::testing::detail::RandomKills;

namespace {

const VersionedOptions kept{.retain_heights = 12};

/// One store, in which children make history until each is killed. What the next one finds must be
/// a store that the last one may have left: every height whole, with its root.
template <class Stack, class... Options>
class KilledHistory {
 public:
  KilledHistory(std::uint64_t seed, const Options&... options)
      : seed_(seed), kills_(seed), options_(options...) {}

  void run(std::size_t times, std::chrono::microseconds longest) {
    for (life_ = 1; life_ <= times && !violation_; ++life_) live(longest);
    if (!violation_) live(std::nullopt);
  }

  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

  void print(const char* name) const {
    std::printf(
        "figures: kill -9, %s: %zu kills (%zu while opening, %zu while writing) of 1 stores, %llu "
        "batches acknowledged, %llu of them rollbacks, %llu prunings and %llu dropped trees; %llu "
        "heights compared: %s (seed %llu)\n",
        name, killed_, killed_while_opening_, killed_ - killed_while_opening_,
        std::accumulate(done_.begin(), done_.end(), 0ULL), done(Deed::Kind::rollback),
        done(Deed::Kind::prune), done(Deed::Kind::drop), static_cast<unsigned long long>(compared_),
        violation_ ? violation_->c_str() : "nothing lost, torn, invented or out of order",
        static_cast<unsigned long long>(seed_));
    std::fflush(stdout);
  }

 private:
  using Kind = KillMessage::Kind;

  [[nodiscard]] unsigned long long done(Deed::Kind kind) const {
    return done_[static_cast<std::size_t>(kind)];
  }

  /// The number-th thing that is done in this life.
  [[nodiscard]] Deed drawn(std::uint64_t number, const Trees& trees, const Model& before) const {
    return draw(Random(seed_ ^ (life_ << 32U) ^ number), trees, before, true);
  }

  /// Of one child; without `longest` it only looks.
  void live(std::optional<std::chrono::microseconds> longest) {
    KillChild child([&](const KillPipe& pipe) { work(pipe, longest.has_value()); });
    const KillLife life =
        kills_.follow(child, longest, [&](const KillMessage& message) { hear(child, message); });
    if (life.wrong) blame(*life.wrong);
    killed_ += longest ? 1 : 0;
    killed_while_opening_ += longest && !life.opened ? 1 : 0;
  }

  // In the child.

  void work(const KillPipe& pipe, bool writes) const {
    auto store = std::apply(
        [&](const auto&... options) { return open<Stack>(directory_ / "db", kept, options...); },
        options_);
    Trees trees = open_trees(store);
    const Verdict verdict = judge(store, trees, possible_, life_);
    if (!verdict.wrong.empty()) return pipe.say(Kind::wrong, verdict.wrong);
    Model model = possible_[verdict.number];
    pipe.say({Kind::found, 0, verdict.number});
    pipe.say({Kind::opened});
    if (!writes) return;
    for (std::uint64_t number = 1;; ++number) {
      Deed deed = drawn(number, trees, model);
      pipe.say({Kind::sent, 0, number});
      std::string root;
      act(store, trees, deed,
          [&](const StateRoot& made) { root = varve::detail::history::to_bytes(made); });
      pipe.say(Kind::acknowledged, root);
      if (deed.kind == Deed::Kind::drop) trees = open_trees(store);
      model = std::move(deed.after);
    }
  }

  // In the parent.

  void hear(KillChild& child, const KillMessage& message) {
    switch (message.kind) {
      case Kind::found:
        possible_ = {Model(possible_[message.number])};
        compared_ += possible_.front().heights().size();
        break;
      case Kind::sent:
        deed_ = drawn(message.number, Trees(tree_count), possible_.back());
        possible_.push_back(deed_->after);
        break;
      case Kind::acknowledged: acknowledge(child.text(message)); break;
      case Kind::wrong: blame(child.text(message)); break;
      case Kind::failed: blame("an operation threw " + child.text(message)); break;
      default: break;
    }
  }

  void acknowledge(const std::string& root) {
    if (!root.empty() && root != varve::detail::history::to_bytes(root_of(deed_->after.now()))) {
      blame("the root that was acknowledged for height " + std::to_string(deed_->height) +
            " is another");
    }
    ++done_[static_cast<std::size_t>(deed_->kind)];
    if (deed_->promised()) possible_.erase(possible_.begin(), possible_.end() - 1);
  }

  void blame(const std::string& sentence) {
    if (violation_) return;
    violation_ = sentence + ", in life " + std::to_string(life_);
  }

  std::uint64_t seed_;
  RandomKills kills_;
  std::tuple<Options...> options_;
  varve_test::TempDirectory directory_;
  std::vector<Model> possible_{Model(0, kept.retain_heights)};  ///< the last is the newest
  std::optional<Deed> deed_;
  std::optional<std::string> violation_;
  std::uint64_t life_ = 0;
  std::size_t killed_ = 0;
  std::size_t killed_while_opening_ = 0;
  std::uint64_t compared_ = 0;
  std::array<unsigned long long, 6> done_{};
};

template <class Stack, class... Options>
void survives_kills(const char* name, std::size_t times, const Options&... options) {
  KilledHistory<Stack, Options...> history(testing::seed_of_environment(), options...);
  history.run(times, std::chrono::milliseconds(60));
  history.print(name);
  INFO(history.violation().value_or(""));
  CHECK_FALSE(history.violation());
}

void survive_kills(std::size_t times) {
  // Small, so that tables and segments are changed within the life of the store.
  const RocksOptions small{.write_buffer_bytes = std::size_t{64} << 10U};
  const WalOptions log{.checkpoint_bytes = 200'000, .segment_bytes = 60'000};
  survives_kills<Versioned<LmdbAdapter>>("Versioned<LmdbAdapter>", times);
  survives_kills<Versioned<RocksAdapter>>("Versioned<RocksAdapter>", times, small);
  survives_kills<Versioned<Cached<Wal<RocksAdapter>>>>("Versioned<Cached<Wal<RocksAdapter>>>",
                                                       times, small, log);
}

}  // namespace

TEST_CASE("Versioned: after kill -9 every height that was acknowledged is there, whole") {
  survive_kills(16);
}

TEST_CASE("Versioned: after kill -9 every height that was acknowledged is there, often",
          "[.long]") {
  survive_kills(400);
}
