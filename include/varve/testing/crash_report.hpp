// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace varve::testing {

/// What a store can do wrong at a crash.
enum class CrashViolation : std::uint8_t {
  lost,          ///< a write that was acknowledged as durable is not there
  torn,          ///< a batch is there in part, or bytes that nobody wrote
  hole,          ///< a write is there, and one before it is not
  resurrected,   ///< what was not there when it was read, or was overwritten, is there
  reused,        ///< a sequence number or the id of a tree is given twice
  refused,       ///< the store does not open or cannot be read
  not_poisoned,  ///< a write is acknowledged after another failed
  misreported,   ///< what the store says of its recovery is not so
};

inline constexpr std::size_t crash_violations = 8;

[[nodiscard]] constexpr BytesView to_string(CrashViolation violation) noexcept {
  constexpr BytesView words[crash_violations] = {
      "lost", "torn", "hole", "resurrected", "reused", "refused", "not_poisoned", "misreported"};
  return words[static_cast<std::size_t>(violation)];
}

/// The first thing that went wrong.
struct CrashFailure {
  CrashViolation violation{};
  std::string sentence;  ///< what is wrong
  std::string place;     ///< where the power went, an operation a line
  std::string script;    ///< the shortest one found; `replay` runs it
  std::uint64_t seed = 0;
};

/// What an enumeration has seen.
struct CrashReport {
  std::uint64_t states = 0;    ///< disks after a crash that were recovered and judged
  std::uint64_t distinct = 0;  ///< of them, those whose bytes differ from one another
  std::uint64_t repeated = 0;  ///< met again where the same was expected of them, and passed over
  std::uint64_t places = 0;    ///< operations at which the power went
  std::uint64_t inner = 0;     ///< of them, those inside a recovery
  std::uint64_t faults = 0;    ///< runs in which an operation failed
  double seconds = 0;
  std::array<std::uint64_t, crash_violations> violations{};
  std::optional<CrashFailure> failure{};

  [[nodiscard]] std::uint64_t count(CrashViolation violation) const noexcept {
    return violations[static_cast<std::size_t>(violation)];
  }

  CrashReport& operator+=(const CrashReport& other) {
    states += other.states;
    distinct += other.distinct;
    repeated += other.repeated;
    places += other.places;
    inner += other.inner;
    faults += other.faults;
    seconds += other.seconds;
    for (std::size_t i = 0; i < crash_violations; ++i) violations[i] += other.violations[i];
    if (!failure) failure = other.failure;
    return *this;
  }
};

/// One line of figures: "1000 states (900 distinct) in 0.1 s: 0 lost, 0 torn ...".
[[nodiscard]] inline std::string to_string(const CrashReport& report) {
  const auto tenths = static_cast<std::uint64_t>(report.seconds * 10);
  std::string text = std::to_string(report.states) + " states (" + std::to_string(report.distinct) +
                     " distinct) at " + std::to_string(report.places) + " places, " +
                     std::to_string(report.inner) + " of them in recoveries, with " +
                     std::to_string(report.faults) + " failures, in " +
                     std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s:";
  for (std::size_t i = 0; i < crash_violations; ++i) {
    text.append(i == 0 ? " " : ", ").append(std::to_string(report.violations[i])).append(" ");
    text.append(to_string(static_cast<CrashViolation>(i)));
  }
  return text;
}

/// For people: what, where, and how to see it again.
[[nodiscard]] inline std::string to_string(const CrashFailure& failure) {
  return std::string(to_string(failure.violation)) + ": " + failure.sentence + "\n" +
         failure.place + "# seed " + std::to_string(failure.seed) +
         "; replay this script with it:\n" + failure.script;
}

}  // namespace varve::testing
