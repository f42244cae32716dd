// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace varve_test {

/// What a test does in the middle of a call: each hook is taken out, then run once.
struct Hooks {
  std::function<void()> got;       // after `get` or `multi_get` has read, before it answers
  std::function<void()> scanning;  // before a scan is made, or the trees are listed
  std::function<void()> snapped;   // after a snapshot was made, before it is answered
  std::function<void()> writing;   // before a write, a drop or a commit is applied
  std::function<void()> written;   // after that, before it answers
};

struct HookedOptions {
  std::shared_ptr<Hooks> hooks = std::make_shared<Hooks>();

  template <class Visit>
  void visit_fields(Visit&&) const {}
};

/// Stops in the middle of calls, so that a test puts others there: interleavings without threads.
template <varve::KvEngine Next>
class Hooked
    : public varve::Layer<Next, varve::Forwards<varve::Group::bulk, varve::Group::transactions,
                                                varve::Group::maintenance,
                                                varve::Group::checkpoints, varve::Group::tail>> {
 public:
  using Options = HookedOptions;
  static constexpr varve::BytesView name = "hooked";

  template <class Context>
  explicit Hooked(Context& context)
      : Hooked::Layer(context), options_(context.template options<Options>()) {}

  [[nodiscard]] auto get(varve::Tree tree, varve::BytesView key) const {
    auto value = this->next().get(tree, key);
    run(options_.hooks->got);
    return value;
  }
  [[nodiscard]] bool contains(varve::Tree tree, varve::BytesView key) const {
    return this->next().contains(tree, key);
  }
  void multi_get(varve::Tree tree, std::span<const varve::BytesView> keys,
                 std::span<std::optional<varve::pinned_t<Next>>> values) const
    requires varve::MultiGetEngine<Next>
  {
    this->next().multi_get(tree, keys, values);
    run(options_.hooks->got);
  }
  [[nodiscard]] auto scan(varve::Tree tree, varve::KeyRange range,
                          varve::Order order = varve::Order::ascending) const {
    run(options_.hooks->scanning);
    return this->next().scan(tree, range, order);
  }
  [[nodiscard]] std::uint64_t approximate_count(varve::Tree tree, varve::KeyRange range) const
    requires varve::CountEngine<Next>
  {
    return this->next().approximate_count(tree, range);
  }
  [[nodiscard]] auto snapshot() const
    requires varve::SnapshotEngine<Next>
  {
    auto made = this->next().snapshot();
    run(options_.hooks->snapped);
    return made;
  }
  void write(const varve::WriteBatch& batch,
             varve::Durability durability = varve::Durability::synced) {
    run(options_.hooks->writing);
    this->next().write(batch, durability);
    run(options_.hooks->written);
  }
  void write_and_drop(const varve::WriteBatch& batch, std::span<const varve::Tree> dropped,
                      varve::Durability durability)
    requires varve::TransactionalDropEngine<Next>
  {
    run(options_.hooks->writing);
    this->next().write_and_drop(batch, dropped, durability);
    run(options_.hooks->written);
  }
  [[nodiscard]] varve::Tree open_tree(varve::BytesView tree_name) {
    return this->next().open_tree(tree_name);
  }
  [[nodiscard]] std::optional<varve::Tree> find_tree(varve::BytesView tree_name) const {
    return this->next().find_tree(tree_name);
  }
  void drop_tree(varve::Tree tree) {
    run(options_.hooks->writing);
    this->next().drop_tree(tree);
    run(options_.hooks->written);
  }
  [[nodiscard]] std::vector<varve::TreeInfo> trees() const {
    run(options_.hooks->scanning);
    return this->next().trees();
  }

 private:
  static void run(std::function<void()>& hook) {
    const std::function<void()> taken = std::exchange(hook, nullptr);
    if (taken) taken();
  }

  HookedOptions options_;
};

}  // namespace varve_test
