// SPDX-License-Identifier: Apache-2.0
// expect-error: a KvEngine has flush() that returns void when everything written is on disk
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>

struct Unfinished : varve::testing::MinimalEngine {
#ifndef CONTROL
  void flush() = delete;
#endif
};

const auto broken = varve::testing::check_laws([] { return Unfinished(); });
