// SPDX-License-Identifier: Apache-2.0
//
// A layer of one's own: it can be closed to writes, as for maintenance.
// docs/guide/your-own-layer.md goes through it.

#include <varve/adapters/memory.hpp>
#include <varve/describe.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/laws.hpp>

#include <atomic>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

// [gated]
using varve::Group;

template <varve::KvEngine Next>
class Gated : public varve::Layer<
                  Next,
                  varve::Forwards<Group::reads, Group::scans, Group::snapshots, Group::trees,
                                  Group::maintenance, Group::checkpoints, Group::tail>,
                  varve::Blocks<Group::bulk, Group::transactions>> {
 public:
  static constexpr varve::BytesView name = "gated";

  template <class Context>
  explicit Gated(Context& context) : Gated::Layer(context) {}

  void write(const varve::WriteBatch& batch,
             varve::Durability durability = varve::Durability::synced) {
    check(batch, "write");
    this->next().write(batch, durability);
  }

  void write_and_drop(const varve::WriteBatch& batch, std::span<const varve::Tree> dropped,
                      varve::Durability durability)
    requires varve::TransactionalDropEngine<Next>
  {
    check(batch, "write_and_drop");
    this->next().write_and_drop(batch, dropped, durability);
  }

  void close() noexcept { *closed_ = true; }
  void reopen() noexcept { *closed_ = false; }

 private:
  void check(const varve::WriteBatch& batch, const char* operation) const {
    for (const varve::WriteOp op : batch) {
      if (!*closed_ || op.tree.reserved()) continue;
      throw varve::Error(varve::ErrorKind::busy,
                         {.message = "the store is closed to writes for maintenance; try again",
                          .operation = operation,
                          .layer = std::string(name)});
    }
  }

  std::unique_ptr<std::atomic<bool>> closed_ = std::make_unique<std::atomic<bool>>(false);
};
// [/gated]

int main() {
  // [laws]
  const auto broken =
      varve::testing::check_laws([] { return varve::open<Gated<varve::MemoryAdapter>>(); });
  if (broken) {
    std::cout << varve::testing::to_string(*broken) << '\n';
    return 1;
  }
  // [/laws]
  std::cout << "Gated keeps the laws\n";

  // [use]
  using Store = varve::Metered<Gated<varve::MemoryAdapter>>;
  auto store = varve::open<Store>();
  const varve::Tree tree = store.open_tree("notes");
  varve::put(store, tree, "monday", "open");

  store.next().close();
  try {
    varve::put(store, tree, "tuesday", "refused");
  } catch (const varve::Error& error) {
    std::cout << error.what() << '\n';
    if (!error.retryable()) throw;
  }
  std::cout << "monday is still read: " << store.get(tree, "monday")->view() << '\n';

  store.next().reopen();
  varve::put(store, tree, "tuesday", "open");
  // [/use]
  std::cout << varve::count(store, tree) << " notes\n\n" << varve::describe(store);
}
