// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/tables/counters.hpp>

#include <cstdint>
#include <mutex>
#include <string>

namespace varve {

/// A persistent source of numbers: each is given once, over all handles, crashes and reopenings,
/// beginning with 1. A handle takes `block` of them with one durable write; those that it has not
/// given when it dies are skipped.
///
///   using Ids = varve::Sequence<"ids">;
///   Ids::On ids{store};
///   const std::uint64_t id = ids.next();
///
/// Threads  any number may ask one handle, or several.
template <FixedText table_name, std::int64_t block = 100>
struct Sequence {
  static_assert(block >= 1, "a sequence takes at least one number at a time");

  using Taken = Counters<table_name, bool>;

  template <class Source>
  class On {
   public:
    explicit On(Source& source) : taken_(source) {}

    /// Errors: those of the store, when a block is taken; then no number is given.
    [[nodiscard]] std::uint64_t next() {
      const std::lock_guard lock(mutex_);
      if (given_ == end_) {
        end_ = static_cast<std::uint64_t>(taken_.add(false, block));
        given_ = end_ - static_cast<std::uint64_t>(block);
      }
      return ++given_;
    }

   private:
    typename Taken::template On<Source> taken_;
    std::mutex mutex_;
    std::uint64_t given_ = 0;
    std::uint64_t end_ = 0;
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
