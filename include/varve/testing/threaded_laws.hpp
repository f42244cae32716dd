// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/broken_law.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/laws/law.hpp>
#include <varve/testing/laws/threaded_reader_laws.hpp>
#include <varve/testing/laws/threaded_writer_laws.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <utility>

namespace varve::testing {

namespace detail {

inline constexpr Law<AnyFixture&, std::chrono::milliseconds> threaded_laws[] = {
    {"T1", "A batch is seen whole by every scan, multi_get and snapshot.", batches_are_seen_whole},
    {"T2", "A thread that wrote or saw a write sees it ever after.", what_was_seen_stays_seen},
    {"T3", "A scan stays ordered and sees one state while others write.", scans_keep_their_state},
    {"T4", "Of writers on different keys each gets all that it writes.",
     disjoint_writers_lose_nothing},
    {"T5", "Trees come and go while others are read and written.", trees_come_and_go_beside_others},
};

}  // namespace detail

/// Runs each law of engines that many threads use at once for `duration`, and answers the first
/// that is broken. What is found depends on the luck of the threads: a law that is kept for a
/// second may be broken in the next. Under a thread sanitizer it finds data races as well.
template <Fixture F>
[[nodiscard]] std::optional<BrokenLaw> check_threaded_laws(F& fixture,
                                                           std::chrono::milliseconds duration) {
  detail::FixtureBehind<F> any(fixture);
  return detail::first_broken(detail::threaded_laws, any, duration);
}

/// The same over engines that the callable `make` gives by value or by `std::unique_ptr`.
template <class Make>
  requires(!Fixture<Make>) && std::invocable<Make&>
[[nodiscard]] std::optional<BrokenLaw> check_threaded_laws(Make make,
                                                           std::chrono::milliseconds duration) {
  FixtureOf<Make> fixture(std::move(make));
  return check_threaded_laws(fixture, duration);
}

}  // namespace varve::testing
