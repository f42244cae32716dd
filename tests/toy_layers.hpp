// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

namespace varve::toys {

/// Forwards everything, and says of itself what a test wants to hear.
template <KvEngine Next, Role Says, std::uint32_t Version = 0, bool Joins = false>
class Toy : public Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots, Group::writes,
                                        Group::bulk, Group::transactions, Group::trees,
                                        Group::maintenance, Group::checkpoints, Group::tail>> {
 public:
  static constexpr BytesView name = [] {
    switch (Says) {
      case Role::observes: return "observes";
      case Role::caches: return "caches";
      case Role::buffers: return "buffers";
      case Role::logs: return "logs";
      case Role::versions: return "versions";
      case Role::migrates: return "migrates";
      case Role::routes: return "routes";
    }
    return "";
  }();
  static constexpr Role role = Says;
  static constexpr LayerFormat format{.version = Version, .joins = Joins};

  template <class Context>
  explicit Toy(Context& context) : Toy::Layer(context) {}
};

template <KvEngine Next>
using Observes = Toy<Next, Role::observes>;
template <KvEngine Next>
using Caches = Toy<Next, Role::caches>;
template <KvEngine Next>
using Buffers = Toy<Next, Role::buffers>;
template <KvEngine Next>
using Logs = Toy<Next, Role::logs, 1>;
template <KvEngine Next>
using LogsNewer = Toy<Next, Role::logs, 2>;
template <KvEngine Next>
using Versions = Toy<Next, Role::versions, 1>;
template <KvEngine Next>
using JoiningVersions = Toy<Next, Role::versions, 1, true>;
template <KvEngine Next>
using Migrates = Toy<Next, Role::migrates, 1>;

}  // namespace varve::toys
