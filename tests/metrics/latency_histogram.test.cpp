// SPDX-License-Identifier: Apache-2.0
#include <varve/metrics/latency_histogram.hpp>

#include "catch.hpp"

#include <cstdint>

using varve::LatencyBuckets;
using varve::LatencyHistogram;

TEST_CASE("LatencyBuckets: each time lies between its bucket's edges, which are 12.5% apart") {
  for (std::uint64_t time = 0; time < (std::uint64_t{1} << 43U); time += 1 + time / 97) {
    const std::size_t bucket = LatencyBuckets::of(time);
    CHECK(LatencyBuckets::floor(bucket) <= time);
    const std::uint64_t next = LatencyBuckets::floor(bucket + 1);
    CHECK(next > time);
    const std::uint64_t width = next - LatencyBuckets::floor(bucket);
    CHECK((width == 1 || width * 8 <= LatencyBuckets::floor(bucket)));
  }
}

TEST_CASE("LatencyBuckets: times beyond the widest share the last bucket") {
  CHECK(LatencyBuckets::of(~std::uint64_t{0}) == LatencyBuckets::size - 1);
  CHECK(LatencyBuckets::of(std::uint64_t{1} << 50U) == LatencyBuckets::size - 1);
}

TEST_CASE("LatencyHistogram: quantiles and mean are those of the times, to a bucket") {
  LatencyHistogram histogram(2.0);
  for (std::uint64_t time = 1; time <= 1000; ++time) histogram.add(LatencyBuckets::of(time), 1);
  CHECK(histogram.count() == 1000);
  CHECK(histogram.quantile(0.50) == varve_test::Approx(1000).epsilon(0.07));
  CHECK(histogram.quantile(0.99) == varve_test::Approx(1980).epsilon(0.07));
  CHECK(histogram.quantile(1.0) == varve_test::Approx(2000).epsilon(0.07));
  CHECK(histogram.mean() == varve_test::Approx(1001).epsilon(0.02));
}

TEST_CASE("LatencyHistogram: of nothing, everything is zero") {
  const LatencyHistogram histogram;
  CHECK(histogram.quantile(0.5) == 0);
  CHECK(histogram.mean() == 0);
}
