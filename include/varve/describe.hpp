// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/stack.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace varve {

/// How a stack comes by a capability.
enum class Support : std::uint8_t {
  native,    ///< the stack has the operation
  emulated,  ///< the free function of <varve/operations.hpp> takes the general form
  absent,    ///< it cannot be had, or a layer blocks it
};

[[nodiscard]] constexpr BytesView to_string(Support support) noexcept {
  switch (support) {
    case Support::native: return "native";
    case Support::emulated: return "emulated";
    case Support::absent: return "absent";
  }
  return "unknown";
}

/// One refinement and how a stack comes by it.
struct Capability {
  BytesView name;
  Support support;
};

/// The capabilities of `E`, one for each refinement of `KvEngine`.
template <KvEngine E>
[[nodiscard]] consteval auto capabilities() {
  constexpr auto native_or = [](bool native, Support otherwise) {
    return native ? Support::native : otherwise;
  };
  return std::array{
      Capability{"snapshot", native_or(SnapshotEngine<E>, Support::absent)},
      Capability{"multi_get", native_or(MultiGetEngine<E>, Support::emulated)},
      Capability{"approximate_count", native_or(CountEngine<E>, Support::emulated)},
      Capability{"bulk_load", native_or(BulkLoadEngine<E>, Support::emulated)},
      Capability{"checkpoint", native_or(CheckpointEngine<E>, Support::absent)},
      Capability{"compact", native_or(CompactEngine<E>, Support::absent)},
      Capability{"write_and_drop", native_or(TransactionalDropEngine<E>, Support::absent)},
      Capability{"tail", native_or(TailEngine<E>, Support::absent)},
      Capability{"transactions", native_or(TransactionalEngine<E>, Support::absent)},
  };
}

namespace detail {

/// The name of the first layer, from the top, below which a capability that `Stack` lacks is there;
/// empty where the engine lacks it too.
template <class Stack>
BytesView blocked_by(std::size_t capability) {
  if constexpr (LayerShape<Stack>) {
    const bool here = capabilities<Stack>()[capability].support == Support::native;
    const bool below = capabilities<typename Stack::Next>()[capability].support == Support::native;
    if (!here && below) return Stack::name;
    return blocked_by<typename Stack::Next>(capability);
  } else {
    static_cast<void>(capability);
    return {};
  }
}

template <class Value>
std::string value_in_words(const Value& value) {
  if constexpr (std::same_as<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    return std::to_string(value);
  } else if constexpr (std::is_convertible_v<const Value&, std::string>) {
    return value;
  } else if constexpr (requires { to_string(value); }) {
    return std::string(to_string(value));
  } else {
    return "(set)";
  }
}

template <class Part>
std::string part_in_words(const Part& part) {
  std::string text = "  " + std::string(BytesView(Part::name));
  text.resize(text.size() < 14 ? 14 : text.size() + 1, ' ');
  if constexpr (requires { part.options(); }) {
    std::string fields;
    const auto add = [&](BytesView field, const auto& value) {
      fields.append(fields.empty() ? "" : ", ").append(field).append(" = ");
      fields.append(value_in_words(value));
    };
    part.options().visit_fields(add);
    if constexpr (requires { part.visit_findings(add); }) part.visit_findings(add);
    text += fields;
  } else {
    text += "-";
  }
  return text + "\n";
}

template <class Stack>
std::string stack_name() {
  if constexpr (LayerShape<Stack>) {
    return std::string(BytesView(Stack::name)) + "<" + stack_name<typename Stack::Next>() + ">";
  } else {
    return std::string(BytesView(Stack::name));
  }
}

template <class Stack>
std::string parts_in_words(const Stack& stack) {
  std::string text = part_in_words(stack);
  if constexpr (LayerShape<Stack>) text += parts_in_words(stack.next());
  return text;
}

}  // namespace detail

/// A stack in words, for logs and people: its parts with the options in force and what they found
/// out about the system (`visit_findings`, which a part may have), from the top down, and how it
/// comes by each capability.
template <KvEngine Stack>
[[nodiscard]] std::string describe(const Stack& stack) {
  std::string text = detail::stack_name<Stack>() + "\n\noptions\n";
  text += detail::parts_in_words(stack) + "\ncapabilities\n";
  std::size_t index = 0;
  for (const Capability& capability : capabilities<Stack>()) {
    std::string line = "  " + std::string(capability.name);
    line.resize(22, ' ');
    line += to_string(capability.support);
    const BytesView layer = detail::blocked_by<Stack>(index++);
    if (!layer.empty()) line.append(" (not handed up by ").append(layer).append(")");
    text += line + "\n";
  }
  return text;
}

}  // namespace varve
