// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/chain.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace varve {

/// What a program knows of a step, for reports and for the ledger.
struct StepFacts {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  BytesView description{};
  Loss loss{};
  Pace pace = eager;
  /// Made of what the step means - its versions, its revision, its loss, the
  /// layouts that it reads and writes - and not of the words of its source.
  std::uint64_t identity = 0;
};

namespace detail {

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
class MeaningHash {
 public:
  constexpr void add(BytesView text) {
    add(std::uint64_t{text.size()});
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
  }
  constexpr void add(std::uint64_t number) {
    for (unsigned shift = 0; shift != 64; shift += 8)
      add_byte(static_cast<unsigned char>(number >> shift));
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return state_; }

 private:
  constexpr void add_byte(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3U; }
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

template <class C, class T>
constexpr void add_layout(MeaningHash& hash) {
  hash.add(BytesView(C::name));
  hash.add(BytesView(C::template identity<T>()));
}

template <class S>
constexpr std::uint64_t step_identity() {
  MeaningHash hash;
  hash.add(std::uint64_t{S::from});
  hash.add(std::uint64_t{S::to});
  hash.add(std::uint64_t{S::revision});
  hash.add(std::uint64_t{S::loss.lossy});
  [&]<class... A>(Actions<A...>) {
    const auto add = [&]<class One>(One*) {
      hash.add(static_cast<std::uint64_t>(One::kind));
      hash.add(One::tree);
      if constexpr (requires { One::target; }) hash.add(One::target);
      if constexpr (requires { One::index; }) hash.add(One::index);
      if constexpr (requires { typename One::In; }) {
        add_layout<typename One::Source::RecordCodec, typename One::In>(hash);
      }
      if constexpr (requires { typename One::Target; }) {
        add_layout<typename One::Target::RecordCodec, typename One::Out>(hash);
      } else if constexpr (requires { typename One::Out; }) {
        add_layout<typename One::Source::RecordCodec, typename One::Out>(hash);
      }
    };
    (add(static_cast<A*>(nullptr)), ...);
  }(typename ActionsOf<S>::type{});
  return hash.value();
}

template <class... S>
inline const StepFacts step_facts[sizeof...(S)] = {
    {S::from, S::to, S::description, S::loss, S::pace, step_identity<S>()}...};

}  // namespace detail

/// The steps of a chain as values, the oldest first.
template <class Chain>
[[nodiscard]] std::span<const StepFacts> steps_of() {
  return []<class... S>(detail::StepList<S...>) {
    return std::span<const StepFacts>(detail::step_facts<S...>);
  }(typename Chain::Steps{});
}

/// The identities of the steps from version `from` to version `to`, joined into
/// one number.
[[nodiscard]] inline std::uint64_t chain_identity(std::span<const StepFacts> steps,
                                                  std::uint32_t from, std::uint32_t to) {
  detail::MeaningHash hash;
  for (const StepFacts& step : steps) {
    if (step.from >= from && step.to <= to) hash.add(step.identity);
  }
  return hash.value();
}

}  // namespace varve
