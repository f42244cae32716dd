// SPDX-License-Identifier: Apache-2.0
// expect-error: the layer neither forwards nor blocks the group 'reads', so it must define multi_get, which the layer below has
#include <varve/open.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>

using namespace varve;

/// Overrides get, and would let multi_get pass by.
template <KvEngine Next>
class Forgetful
    : public Layer<Next, Forwards<Group::scans, Group::snapshots, Group::writes, Group::bulk,
                                  Group::transactions, Group::trees, Group::maintenance,
                                  Group::checkpoints, Group::tail>> {
 public:
  static constexpr BytesView name = "forgetful";

  template <class Context>
  explicit Forgetful(Context& context) : Forgetful::Layer(context) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const { return this->next().get(tree, key); }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return this->next().contains(tree, key);
  }

#ifdef CONTROL
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<Next>>> values) const {
    this->next().multi_get(tree, keys, values);
  }
#endif
};

using Stack = Forgetful<testing::FullEngine>;

struct Stacks {
  using Engine = Stack;
  std::unique_ptr<Engine> make();
};

std::optional<testing::BrokenLaw> check(Stacks& stacks) {
  return testing::check_laws(stacks);
}
