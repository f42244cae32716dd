// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace varve {

/// Counts the values that are asked for. The example of a layer: docs/guide/your-own-layer.md.
///
/// Models      what `Next` models.
/// Errors      those of `Next`.
/// Durability  that of `Next`.
/// Threads     as `Next`; the counter is exact.
// [counted]
template <KvEngine Next>
class Counted : public Layer<Next, Forwards<Group::scans, Group::snapshots, Group::writes,
                                            Group::bulk, Group::transactions, Group::trees,
                                            Group::maintenance, Group::checkpoints, Group::tail>> {
 public:
  static constexpr BytesView name = "counted";

  template <class Context>
  explicit Counted(Context& context) : Counted::Layer(context) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const {
    count(tree, 1);
    return this->next().get(tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    count(tree, 1);
    return this->next().contains(tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<Next>>> values) const
    requires MultiGetEngine<Next>
  {
    count(tree, keys.size());
    this->next().multi_get(tree, keys, values);
  }

  /// The number of keys asked for since the stack was opened, those of reserved trees left out.
  [[nodiscard]] std::uint64_t reads() const noexcept { return *reads_; }

 private:
  void count(Tree tree, std::uint64_t keys) const noexcept {
    if (!tree.reserved()) reads_->fetch_add(keys, std::memory_order_relaxed);
  }

  std::unique_ptr<std::atomic<std::uint64_t>> reads_ =
      std::make_unique<std::atomic<std::uint64_t>>(0);
};
// [/counted]

}  // namespace varve
