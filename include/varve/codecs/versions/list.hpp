// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/probe.hpp>
#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve::detail::versions {

struct NoProbe {};

template <class V>
struct Entry {
  using type = V;
  using probe = NoProbe;
};

template <class Next, class Old>
concept UpgradedByFunction = requires(Old&& old) {
  { upgrade(std::move(old)) } -> std::same_as<Next>;
};

// Not by the braces of an aggregate, which would take the old version for the first member.
template <class Next, class Old>
concept UpgradedByConstructor =
    std::is_class_v<Next> && !std::is_aggregate_v<Next> && std::constructible_from<Next, Old>;

template <class Next, class Old>
Next upgraded(Old& old) {
  static_assert(UpgradedByFunction<Next, Old> || UpgradedByConstructor<Next, Old>,
                "each version becomes the next by `Next upgrade(Old)`, declared beside the types, "
                "or by a constructor of the next");
  if constexpr (UpgradedByFunction<Next, Old>) {
    return upgrade(std::move(old));
  } else {
    return Next(std::move(old));
  }
}

/// The versions `retired` + 1 and on, each by its `Entry`.
template <Codec Inner, std::size_t retired, class... Entries>
struct VersionList {
  static_assert(sizeof...(Entries) != 0, "Versions names at least one version");
  static constexpr std::size_t count = sizeof...(Entries);
  static constexpr std::size_t first = retired + 1;
  static constexpr std::size_t last = retired + count;
  static_assert(last <= max_version, "a version's number is at most 16383");

  template <std::size_t at>
  using Version = typename std::tuple_element_t<at, std::tuple<Entries...>>::type;
  using Newest = Version<count - 1>;

  template <class T>
  static constexpr bool is_other = (!std::same_as<T, typename Entries::type> && ...);

  using Probe = typename std::tuple_element_t<0, std::tuple<Entries...>>::probe;
  static constexpr bool has_untagged = !std::same_as<Probe, NoProbe>;
  static_assert((std::size_t{0} + ... + !std::same_as<typename Entries::probe, NoProbe>) ==
                        std::size_t{has_untagged} &&
                    (!has_untagged || retired == 0),
                "only version 1 can be Untagged, and not after Retired");

  static consteval bool some_tag_looks_untagged() {
    if constexpr (has_untagged) {
      using Old = UntaggedRecords<Inner, Version<0>, Probe>;
      if constexpr (Old::by_first_byte) {
        for (std::size_t version = 1; version <= last; ++version) {
          if (Old::may_begin_with(first_byte_of_tag(version))) return true;
        }
      }
    }
    return false;
  }
  static_assert(!some_tag_looks_untagged(),
                "an untagged record may begin with the tag of one of these versions, and could not "
                "be told from it: name a probe that tells them apart");

  static constexpr bool probes_whole_records = [] {
    if constexpr (has_untagged) return !UntaggedRecords<Inner, Version<0>, Probe>::by_first_byte;
    return false;
  }();

  [[nodiscard]] static bool is_untagged(BytesView bytes) {
    if constexpr (has_untagged) {
      return UntaggedRecords<Inner, Version<0>, Probe>::recognises(bytes);
    }
    return false;
  }

  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    if constexpr (has_untagged) {
      if (UntaggedRecords<Inner, Version<0>, Probe>::may_begin_with(byte)) return true;
    }
    for (std::size_t version = first; version <= last; ++version) {
      if (byte == first_byte_of_tag(version)) return true;
    }
    return false;
  }

  template <std::size_t at>
  static Newest raise(Version<at>&& value) {
    if constexpr (at + 1 == count) {
      return std::move(value);
    } else {
      return raise<at + 1>(upgraded<Version<at + 1>>(value));
    }
  }

  template <std::size_t at>
  static Newest read(BytesView bytes) {
    return raise<at>(Inner::template decode<Version<at>>(bytes));
  }

  static void check_version(std::size_t version) {
    if (version > last) refuse_newer(version, last);
    if (version < first) refuse_too_old(version, first);
  }

  static Newest read_version(std::size_t version, BytesView bytes) {
    check_version(version);
    using Read = Newest (*)(BytesView);
    static constexpr auto readers = []<std::size_t... at>(std::index_sequence<at...>) {
      return std::array<Read, count>{&read<at>...};
    }(std::make_index_sequence<count>());
    return readers[version - first](bytes);
  }

  // The codec's name, and for each version " NUMBER=SIZE:IDENTITY".

  [[nodiscard]] static std::array<std::string, count> layouts() {
    return [&]<std::size_t... at>(std::index_sequence<at...>) {
      return std::array<std::string, count>{
          std::string(BytesView(Inner::template identity<Version<at>>()))...};
    }(std::make_index_sequence<count>());
  }

  [[nodiscard]] static std::string identity() {
    std::string text{BytesView(Inner::name)};
    std::size_t version = first;
    for (const std::string& layout : layouts()) {
      text.append(" ").append(std::to_string(version++)).append("=");
      text.append(std::to_string(layout.size())).append(":").append(layout);
    }
    return text;
  }

  static void check_stored(BytesView codec, BytesView stored) {
    const auto ours = layouts();
    if (has_untagged && codec == BytesView(Inner::name) && stored == ours.front()) return;
    const BytesView inner = Inner::name;
    if (codec != "versions" || stored.substr(0, inner.size()) != inner) {
      refuse_stored(codec, stored);
    }
    std::size_t newest = 0;
    for (StoredVersions left(stored.substr(inner.size())); !left.at_end();) {
      const auto [version, layout] = left.take();
      if (version >= first && version <= last && ours[version - first] != layout) {
        refuse_stored(codec, stored);
      }
      newest = version;
    }
    if (newest > last) refuse_newer_store(newest, last);
    if (newest < first) refuse_too_old(newest, first, "open");
  }
};

}  // namespace varve::detail::versions
