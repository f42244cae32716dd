// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace varve::testing {

/// The calls that can go wrong. Those of a snapshot, a transaction or a loader count among them.
enum class Call : std::uint8_t {
  get,
  contains,
  multi_get,
  scan,  ///< the making of one
  next,  ///< one step of a scan
  approximate_count,
  snapshot,
  write,
  write_and_drop,
  bulk_loader,
  load,    ///< `put` of a loader
  finish,  ///< `finish` of a loader
  begin_transaction,
  commit,
  open_tree,
  find_tree,
  drop_tree,
  trees,
  flush,
  size_on_disk,
  compact,
  checkpoint,
  last_sequence,
  tail,
};

/// How a call goes wrong.
enum class Effect : std::uint8_t {
  fails,        ///< it throws, and nothing was done
  fails_after,  ///< it throws, and everything was done
  cuts_value,   ///< it gives the first half of a value
  flips_bit,    ///< it gives a value with another bit in its middle; an empty one stays as it is
};

/// One thing to go wrong. The effects on values are those of `get`, `multi_get`, `scan` (its first
/// entry) and `next`; elsewhere they do nothing.
struct Fault {
  Call call{};
  std::uint64_t at = 1;   ///< the first call that it meets, counted since it was planned
  bool for_ever = false;  ///< that call and every later one, or that one alone
  Effect effect = Effect::fails;
  ErrorKind kind = ErrorKind::io;  ///< of what is thrown
};

/// What is to go wrong in a `Faulty` layer, and what was called. Shared with the test that holds
/// it, and changed while the store is in use, from any thread.
class FaultPlan {
 public:
  FaultPlan& add(Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back({fault, counts_[index(fault.call)] + std::max<std::uint64_t>(fault.at, 1)});
    return *this;
  }

  /// Nothing goes wrong any more. The counts stay.
  void clear() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
  }

  /// How often `call` was made, whether it went wrong or not.
  [[nodiscard]] std::uint64_t calls(Call call) const {
    const std::lock_guard lock(mutex_);
    return counts_[index(call)];
  }

  /// How many calls went wrong.
  [[nodiscard]] std::uint64_t met() const {
    const std::lock_guard lock(mutex_);
    return met_;
  }

  /// Counts a call, and answers what goes wrong with it. For the layer.
  [[nodiscard]] std::optional<Fault> called(Call call) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t now = ++counts_[index(call)];
    for (const Planned& planned : faults_) {
      if (planned.fault.call != call) continue;
      if (now != planned.at && (!planned.fault.for_ever || now < planned.at)) continue;
      ++met_;
      return planned.fault;
    }
    return std::nullopt;
  }

 private:
  struct Planned {
    Fault fault;
    std::uint64_t at;
  };

  static constexpr std::size_t index(Call call) noexcept { return static_cast<std::size_t>(call); }

  mutable std::mutex mutex_;
  std::vector<Planned> faults_;
  std::array<std::uint64_t, static_cast<std::size_t>(Call::tail) + 1> counts_{};
  std::uint64_t met_ = 0;
};

}  // namespace varve::testing
