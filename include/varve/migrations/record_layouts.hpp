// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/history.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail {

/// A tree of a store of the latest version, and how its older records become the newest.
struct NewestLayout {
  BytesView tree{};
  std::uint32_t since = 0;  ///< the version that begins with the newest layout
  /// Sets `bytes` to the record, whose bytes behind its version are `body`, in the newest layout.
  void (*raise)(std::uint32_t version, BytesView body, std::string& bytes) = nullptr;
};

template <class Chain, class RecordTree>
[[nodiscard]] NewestLayout newest_layout() {
  using Layouts = layouts_at_t<Chain, RecordTree::text, Chain::latest>;
  constexpr std::size_t last = Layouts::size - 1;
  using Newest = nth_t<last, Layouts>;
  return {RecordTree::name, Newest::since,
          [](std::uint32_t version, BytesView body, std::string& bytes) {
            bytes.assign(versions::tag_of<Newest::since>().view());
            read_as<Layouts, last, void>(
                layout_at(Layouts{}, version), body,
                [&](const auto& record) { Newest::RecordCodec::encode(record, bytes); });
          }};
}

/// The trees whose records have a version in front of them, in the order of the chain.
template <class Chain>
[[nodiscard]] std::vector<NewestLayout> newest_layouts() {
  std::vector<NewestLayout> layouts;
  each_versioned_tree<Chain>(
      [&]<class RecordTree>() { layouts.push_back(newest_layout<Chain, RecordTree>()); });
  return layouts;
}

}  // namespace varve::detail
