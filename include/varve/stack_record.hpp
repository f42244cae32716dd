// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/authority.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/stack.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varve {

/// A layer that has left its mark in a store's data.
struct RecordedLayer {
  std::string name;
  std::uint32_t version = 0;
  bool joins = false;         ///< of a compiled layer: whether it may join data written without it
  bool checks_first = false;  ///< of a compiled layer: whether it has its mark left later

  friend bool operator==(const RecordedLayer& a, const RecordedLayer& b) noexcept {
    return a.name == b.name && a.version == b.version;
  }
};

/// The layers of `Stack` that leave a mark in the data, from the engine up.
template <class Stack>
[[nodiscard]] std::vector<RecordedLayer> marking_layers() {
  std::vector<RecordedLayer> layers;
  for_each_component<Stack>([&]<class Part>() {
    if constexpr (detail::LayerShape<Part>) {
      constexpr LayerFormat format = Part::format;
      if (format.version == 0) return;
      layers.insert(layers.begin(), {std::string(BytesView(Part::name)), format.version,
                                     format.joins, format.checks_first});
    }
  });
  return layers;
}

namespace detail {

inline constexpr BytesView stack_tree = "varve.stack";
inline constexpr BytesView stack_key = "stack";

inline std::string stack_text(const std::vector<RecordedLayer>& layers) {
  std::string text = "varve-stack 1\n";
  for (const RecordedLayer& layer : layers) {
    text += "layer " + layer.name + " " + std::to_string(layer.version) + "\n";
  }
  return text;
}

inline std::optional<std::vector<RecordedLayer>> parse_stack(BytesView text) {
  BytesView left = text;
  if (!take_line(left, "varve-stack 1")) return std::nullopt;
  std::vector<RecordedLayer> layers;
  while (const auto line = take_line(left, "layer ")) {
    const std::size_t space = line->rfind(' ');
    if (space == std::string::npos) return std::nullopt;
    RecordedLayer layer{line->substr(0, space)};
    std::from_chars(line->data() + space + 1, line->data() + line->size(), layer.version);
    layers.push_back(std::move(layer));
  }
  if (stack_text(layers) != text) return std::nullopt;
  return layers;
}

/// "wal 1, versioned 2", or "no layer that leaves a mark".
inline std::string in_words(const std::vector<RecordedLayer>& layers) {
  std::string words;
  for (const RecordedLayer& layer : layers) {
    words.append(words.empty() ? "" : ", ").append(layer.name).append(" ");
    words.append(std::to_string(layer.version));
  }
  return words.empty() ? "no layer that leaves a mark" : words;
}

/// What keeps `compiled` from reading what `recorded` wrote, in words; nothing where it can. Both
/// run from the engine up.
inline std::optional<std::string> mismatch(const std::vector<RecordedLayer>& recorded,
                                           const std::vector<RecordedLayer>& compiled, bool fresh) {
  std::size_t met = 0;
  for (const RecordedLayer& layer : compiled) {
    if (met < recorded.size() && recorded[met].name == layer.name) {
      if (recorded[met].version != layer.version) {
        return "layer '" + layer.name + "' has format " + std::to_string(recorded[met].version) +
               " in the data and " + std::to_string(layer.version) + " in this program";
      }
      ++met;
    } else if (!fresh && !layer.joins) {
      return "layer '" + layer.name + "' cannot join data that was written without it";
    }
  }
  if (met == recorded.size()) return std::nullopt;
  return "layer '" + recorded[met].name +
         "' is in the data and missing, or in another place, in this program's stack";
}

}  // namespace detail

/// The layers that have written to `engine`, from the engine up; none where nothing is recorded.
/// Throws `corruption` where the record cannot be read.
template <KvEngine E>
[[nodiscard]] std::vector<RecordedLayer> recorded_layers(const E& engine) {
  const auto tree = engine.find_tree(detail::stack_tree);
  if (!tree) return {};
  const auto text = engine.get(*tree, detail::stack_key);
  if (!text) return {};
  auto layers = detail::parse_stack(text->view());
  if (layers) return *std::move(layers);
  throw Error(ErrorKind::corruption,
              {.message = "the record of the stack is damaged or was written by a newer program",
               .operation = "open",
               .tree = std::string(detail::stack_tree),
               .layer = std::string(BytesView(E::name))});
}

/// Refuses, with `stack_mismatch` and what differs, to let `Stack` read what another stack wrote to
/// `engine`; else records it there. A stack of layers that leave no mark leaves no record either,
/// and a layer that checks first leaves none before it is `checked`. Where it only `looks`, a stack
/// that would have to be recorded is refused.
template <class Stack, KvEngine E>
void check_stack(E& engine, bool checked = false, bool looks = false) {
  auto compiled = marking_layers<Stack>();
  const auto recorded = recorded_layers(engine);
  if (!checked) {
    const auto is_recorded = [&](BytesView name) {
      for (const RecordedLayer& known : recorded) {
        if (known.name == name) return true;
      }
      return false;
    };
    std::erase_if(compiled, [&](const RecordedLayer& layer) {
      return layer.checks_first && !is_recorded(layer.name);
    });
  }
  if (recorded == compiled) return;
  bool fresh = recorded.empty();
  for (const TreeInfo& info : engine.trees()) fresh = fresh && info.tree.reserved();
  if (const auto difference = detail::mismatch(recorded, compiled, fresh)) {
    throw Error(
        ErrorKind::stack_mismatch,
        {.message = *difference + "; the data was written through " + detail::in_words(recorded) +
                    " (from the engine up), this program has " + detail::in_words(compiled) +
                    ": open it with the stack that wrote it, or copy it into a new store",
         .operation = "open",
         .layer = std::string(BytesView(E::name))});
  }
  if (looks) {
    throw Error(
        ErrorKind::stack_mismatch,
        {.message = "the data was written through " + detail::in_words(recorded) +
                    " (from the engine up) and this stack has " + detail::in_words(compiled) +
                    ", whose layers would join it; nothing was changed. Look with the "
                    "stack that wrote it, or open it with this one",
         .operation = "open",
         .layer = std::string(BytesView(E::name))});
  }
  const Tree tree = engine.open_tree(detail::stack_tree);
  WriteBatch batch;
  batch.put(tree, detail::stack_key, detail::stack_text(compiled));
  engine.write(batch, Durability::synced);
}

}  // namespace varve
