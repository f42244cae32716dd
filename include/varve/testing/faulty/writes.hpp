// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/testing/faulty/reads.hpp>

#include <optional>
#include <utility>

namespace varve::testing::detail {

template <varve::detail::BulkLoader L>
class FaultyLoader {
 public:
  FaultyLoader(L loader, SharedPlan plan) noexcept
      : loader_(std::move(loader)), plan_(std::move(plan)) {}

  void put(BytesView key, BytesView value) {
    with_faults(*plan_, Call::load, "bulk_load",
                [&](const std::optional<Fault>&) { loader_.put(key, value); });
  }

  void finish() {
    with_faults(*plan_, Call::finish, "bulk_load",
                [&](const std::optional<Fault>&) { loader_.finish(); });
  }

 private:
  L loader_;
  SharedPlan plan_;
};

template <varve::detail::Transaction T>
class FaultyTransaction : public FaultySnapshot<T> {
 public:
  using FaultySnapshot<T>::FaultySnapshot;

  void put(Tree tree, BytesView key, BytesView value) { this->snapshot_.put(tree, key, value); }
  void erase(Tree tree, BytesView key) { this->snapshot_.erase(tree, key); }
  void erase_range(Tree tree, KeyRange range) { this->snapshot_.erase_range(tree, range); }

  [[nodiscard]] bool commit(Durability durability) {
    return with_faults(*this->plan_, Call::commit, "commit", [&](const std::optional<Fault>&) {
      return this->snapshot_.commit(durability);
    });
  }
};

}  // namespace varve::testing::detail
