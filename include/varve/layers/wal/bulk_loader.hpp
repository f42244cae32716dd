// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/refinements.hpp>

#include <utility>

namespace varve::detail {

/// A loader of the layer below, whose end takes its turn among the writes.
template <BulkLoader Loader, class Store>
class WalBulkLoader {
 public:
  WalBulkLoader(Loader loader, Store& store) : loader_(std::move(loader)), store_(&store) {}

  void put(BytesView key, BytesView value) { loader_.put(key, value); }
  void finish() { store_->finish_load(loader_); }

 private:
  Loader loader_;
  Store* store_;
};

}  // namespace varve::detail
