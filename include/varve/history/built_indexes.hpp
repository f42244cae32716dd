// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/layer.hpp>
#include <varve/history/format.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/tables/catalogue.hpp>

#include <cstdint>
#include <optional>
#include <string>

// The entries of an index have heights like any records; that it is built is recorded in a reserved
// tree, which has none. So the height at which it was built is kept here.
namespace varve::detail::history {

/// Where it is kept.
[[nodiscard]] inline std::string built_key(Tree index) {
  std::string key(1, 'i');
  append_number(key, index.id());
  return key;
}

/// The lowest height at which the index has all of its entries, where it was built from records.
template <KvReader R>
[[nodiscard]] std::optional<std::uint64_t> built_at(const R& reader, Tree heights, Tree index) {
  const std::string key = built_key(index);
  const auto value = reader.get(heights, key);
  if (!value) return std::nullopt;
  FieldReader fields(unsealed(key, value->view()));
  const auto height = fields.number<std::uint64_t>();
  if (!fields.good() || !fields.at_end()) refuse_bytes(heights_tree, "the record of an index");
  return height;
}

inline void put_built_at(WriteBatch& out, const OwnTrees& trees, Tree index, std::uint64_t height) {
  std::string body;
  append_number(body, height);
  const std::string key = built_key(index);
  out.put(trees.heights, key, sealed(key, body));
}

/// Puts into the batch that the indexes are to be built, from their beginning, which were not built
/// yet at the height.
template <KvEngine Next>
void unbuild_indexes(const Next& next, const OwnTrees& trees, std::uint64_t height,
                     WriteBatch& out) {
  const auto catalogue = next.find_tree(tables::catalogue_tree);
  if (!catalogue) return;
  for (const TreeInfo& info : next.trees()) {
    if (info.tree.reserved() || info.name.find('.') == std::string::npos) continue;
    const auto stored = tables::read_index(next, *catalogue, info.name);
    if (!stored) continue;
    const auto built = built_at(next, trees.heights, info.tree);
    const bool readable = stored->state == IndexState::readable;
    if (readable && (!built || *built <= height)) continue;
    out.put(*catalogue, info.name,
            tables::index_text({stored->definition, IndexState::building, {}}));
    if (built) out.erase(trees.heights, built_key(info.tree));
  }
}

}  // namespace varve::detail::history
