// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/probe.hpp>
#include <varve/codecs/versions/list.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace varve {

/// Version 1, whose records `Inner` wrote before there were tags. `Probe` tells them from records
/// that have a tag; without one, `Inner` says which bytes its records begin with.
template <class V, class Probe = detail::OwnProbe>
struct Untagged {};

/// Stands first: the versions up to `last` are read no more, and those that follow count from the
/// next number. Their records must be gone: they are refused as `schema_too_old`.
template <std::size_t last>
struct Retired {};

namespace detail::versions {

template <class V, class Probe>
struct Entry<Untagged<V, Probe>> {
  using type = V;
  using probe = Probe;
};

template <std::size_t>
inline constexpr bool stands_first = false;

template <std::size_t last>
struct Entry<Retired<last>> {
  static_assert(stands_first<last>, "Retired stands first in the list of versions");
};

template <Codec Inner, std::size_t retired, class... Entries>
struct CodecOf {
  using List = VersionList<Inner, retired, Entries...>;
  using Newest = typename List::Newest;

  static constexpr BytesView name = "versions";

  static void encode(const Newest& value, ByteSink auto& sink) {
    constexpr auto tag = tag_of<List::last>();
    if constexpr (List::probes_whole_records) {
      std::string bytes(tag.view());
      Inner::encode(value, bytes);
      if (List::is_untagged(bytes)) refuse_ambiguous();
      sink.append(BytesView(bytes));
    } else {
      sink.append(tag.view());
      Inner::encode(value, sink);
    }
  }

  /// Errors: `schema_newer` for a version that this program does not know, `schema_too_old` for one
  /// that is retired, else `corruption`.
  template <std::same_as<Newest> T>
  [[nodiscard]] static T decode(BytesView bytes) {
    if (List::is_untagged(bytes)) return List::template read<0>(bytes);
    const Tagged record = take_tag(bytes);
    return List::read_version(record.version, record.bytes);
  }

  // A type that is no record, such as the fields that an index stores, has no versions: `Inner`
  // alone writes it.

  template <class T>
    requires List::template
  is_other<T>&& CodecFor<Inner, T> static void encode(const T& value, ByteSink auto& sink) {
    Inner::encode(value, sink);
  }
  template <class T>
    requires List::template
  is_other<T>&& CodecFor<Inner, T> [[nodiscard]] static T decode(BytesView bytes) {
    return Inner::template decode<T>(bytes);
  }
  template <class T>
    requires List::template
  is_other<T>&& CodecFor<Inner, T> [[nodiscard]] static BytesView identity() {
    return Inner::template identity<T>();
  }

  /// The fields in place, of a record that is of the newest version; nothing of an older one, which
  /// has to be decoded.
  template <std::same_as<Newest> T>
    requires ViewCodecFor<Inner, T>
  [[nodiscard]] static auto view(BytesView bytes) {
    using View = decltype(Inner::template view<T>(bytes));
    if (List::is_untagged(bytes)) {
      if constexpr (List::count == 1) return std::optional<View>(Inner::template view<T>(bytes));
      return std::optional<View>();
    }
    const Tagged record = take_tag(bytes);
    if (record.version == List::last) {
      return std::optional<View>(Inner::template view<T>(record.bytes));
    }
    List::check_version(record.version);
    return std::optional<View>();
  }

  /// Whether the record is as it would be written: those that are not are worth rewriting.
  template <std::same_as<Newest> T>
  [[nodiscard]] static bool is_current(BytesView bytes) {
    constexpr auto tag = tag_of<List::last>();
    if (List::is_untagged(bytes) || bytes.substr(0, tag.view().size()) != tag.view()) return false;
    if constexpr (LenientCodecFor<Inner, T>) {
      return Inner::template is_current<T>(bytes.substr(tag.view().size()));
    }
    return true;
  }

  /// Names the inner codec and each version with its layout.
  template <std::same_as<Newest> T>
  [[nodiscard]] static BytesView identity() {
    static const std::string text = List::identity();
    return text;
  }

  /// Errors: `schema_newer`, `schema_too_old` or `schema_diverged` where records that were written
  /// under this name and identity cannot be read.
  template <std::same_as<Newest> T>
  static void check_stored(BytesView codec, BytesView stored) {
    List::check_stored(codec, stored);
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <std::same_as<Newest> T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return List::may_begin_with(byte);
  }
};

}  // namespace detail::versions

/// The codec of the newest of several versions of a record: `Versions<Packed, V1, V2, V3>` reads
/// records of V1, V2 and V3 into V3, and writes V3. Before the bytes of `Inner` stands the number
/// of the version. docs/formats/versions.md.
///
/// Each version becomes the next by `V2 upgrade(V1)`, found beside the types, or by an explicit
/// constructor of V2. A record is decoded once, and raised through all versions in one pass.
///
/// A version that has been released is never changed and never taken out of the middle; a new one
/// is added at the end. Versions whose records are gone are taken off the front by `Retired`.
template <Codec Inner, class... Entries>
struct Versions : detail::versions::CodecOf<Inner, 0, detail::versions::Entry<Entries>...> {};

template <Codec Inner, std::size_t last, class... Entries>
struct Versions<Inner, Retired<last>, Entries...>
    : detail::versions::CodecOf<Inner, last, detail::versions::Entry<Entries>...> {};

}  // namespace varve
