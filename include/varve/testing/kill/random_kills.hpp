// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/kill/child_process.hpp>
#include <varve/testing/model/random.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace varve::testing::detail {

/// How a child lived.
struct KillLife {
  bool opened = false;                 ///< it has said so
  std::optional<std::string> wrong{};  ///< what was not as it was meant to be
};

/// Lets children die at random moments: one in four at one at which it is likely to be opening its
/// store.
class RandomKills {
 public:
  using Microseconds = std::chrono::microseconds;

  explicit RandomKills(std::uint64_t seed) noexcept : random_(seed) {}

  /// Listens to a child until it is gone, and hands each message to `hear`. Kills it so long after
  /// it has said `opened` at the most; without `longest` it is left to end by itself.
  template <class Hear>
  [[nodiscard]] KillLife follow(KillChild& child, std::optional<Microseconds> longest,
                                Hear&& hear) {
    KillLife life;
    const auto start = Clock::now();
    auto end = start + patience;
    const bool early = longest && random_.one_in(4);
    if (early) end = start + random_part(opening_ + opening_ / 4);
    bool killed = false;
    while (!child.ended()) {
      const auto left = std::chrono::duration_cast<Microseconds>(end - Clock::now());
      if (!killed && left.count() <= 0) {
        child.kill();
        killed = true;
        if (!longest || (!early && !life.opened)) {
          life.wrong = "hung: a child said nothing for " +
                       std::to_string(patience.count() / 1'000'000) + " s";
        }
      }
      const auto message = child.next(killed ? patience : left);
      if (!message) continue;
      if (message->kind == KillMessage::Kind::opened) {
        life.opened = true;
        opening_ = std::chrono::duration_cast<Microseconds>(Clock::now() - start);
        if (longest && !early) end = Clock::now() + random_part(*longest);
      }
      hear(*message);
    }
    const int status = child.wait();
    const bool as_meant = longest ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                                  : WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!as_meant && !life.wrong) {
      life.wrong = "a child ended by itself, with the status " + std::to_string(status);
    }
    return life;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr Microseconds patience = std::chrono::seconds(120);

  [[nodiscard]] Microseconds random_part(Microseconds whole) noexcept {
    return Microseconds(random_.below(static_cast<std::uint32_t>(whole.count()) + 1));
  }

  Random random_;
  Microseconds opening_{1000};
};

}  // namespace varve::testing::detail
