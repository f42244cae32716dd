// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/layer.hpp>

namespace varve::detail {

/// While it lives, scans leave nothing in the cache of the engine below a stack, where it can be
/// told so: every record is read once, and the cache is for who comes after.
template <KvEngine E>
class PassingReads {
 public:
  explicit PassingReads(E& engine) noexcept : engine_(engine), before_(fill_cache(engine, false)) {}
  PassingReads(const PassingReads&) = delete;
  PassingReads& operator=(const PassingReads&) = delete;
  ~PassingReads() { fill_cache(engine_, before_); }

 private:
  /// Answers what held before.
  template <class Part>
  static bool fill_cache(Part& part, bool fill) noexcept {
    if constexpr (requires { part.scans_fill_cache(fill); }) {
      return part.scans_fill_cache(fill);
    } else if constexpr (LayerShape<Part>) {
      return fill_cache(part.next(), fill);
    } else {
      return fill;
    }
  }

  E& engine_;
  bool before_;
};

}  // namespace varve::detail
