// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/migrations/history.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace varve {

/// The codec of the records of `RecordTree` in a store of the newest version of
/// `Chain`: it writes the newest layout, and reads every older one by the
/// conversions of the chain. In front of the bytes of the tree's own codec
/// stands the version that the layout begins with (docs/formats/versions.md).
template <class Chain, class RecordTree>
struct Evolving {
 private:
  using Layouts = detail::layouts_at_t<Chain, RecordTree::text, Chain::latest>;
  static_assert(Layouts::size != 0,
                "no step of the chain reads or writes this "
                "tree, or its records have moved: take "
                "the codec of the records alone");
  static constexpr std::size_t last = Layouts::size - 1;
  static constexpr auto tag = detail::versions::tag_of<detail::nth_t<last, Layouts>::since>();
  using Inner = typename detail::nth_t<last, Layouts>::RecordCodec;

 public:
  /// The type of the newest records.
  using Record = typename detail::nth_t<last, Layouts>::Record;

  static constexpr BytesView name = "evolving";

  static void encode(const Record& value, ByteSink auto& sink) {
    sink.append(tag.view());
    Inner::encode(value, sink);
  }

  /// Errors: `schema_newer` for a record of a later version than the chain's,
  /// else `corruption`.
  template <std::same_as<Record> T>
  [[nodiscard]] static T decode(BytesView bytes) {
    const auto record = detail::versions::take_tag(bytes);
    if (record.version > Chain::latest)
      detail::versions::refuse_newer(record.version, Chain::latest);
    const std::size_t found =
        detail::layout_at(Layouts{}, static_cast<std::uint32_t>(record.version));
    return detail::read_as<Layouts, last, T>(found, record.bytes,
                                             [](T&& raised) -> T { return std::move(raised); });
  }

  // What is not the record is as the tree's own codec has it: the fields that an index stores.

  template <class T>
    requires(!std::same_as<T, Record> && CodecFor<Inner, T>)
  static void encode(const T& value, ByteSink auto& sink) {
    Inner::encode(value, sink);
  }
  template <class T>
    requires(!std::same_as<T, Record> && CodecFor<Inner, T>)
  [[nodiscard]] static T decode(BytesView bytes) {
    return Inner::template decode<T>(bytes);
  }
  template <class T>
    requires(!std::same_as<T, Record> && CodecFor<Inner, T>)
  [[nodiscard]] static BytesView identity() {
    return Inner::template identity<T>();
  }

  /// The fields in place, of a record of the newest layout; nothing of an older
  /// one, which has to be decoded.
  template <std::same_as<Record> T>
    requires ViewCodecFor<Inner, T>
  [[nodiscard]] static auto view(BytesView bytes) {
    using View = decltype(Inner::template view<T>(bytes));
    if (is_current<T>(bytes)) {
      return std::optional<View>(Inner::template view<T>(bytes.substr(tag.view().size())));
    }
    static_cast<void>(detail::versions::take_tag(bytes));
    return std::optional<View>();
  }

  /// Whether the record is as it would be written.
  template <std::same_as<Record> T>
  [[nodiscard]] static bool is_current(BytesView bytes) noexcept {
    return bytes.substr(0, tag.view().size()) == tag.view();
  }

  /// Names the tree's own codec and each layout with the version that it begins
  /// with.
  template <std::same_as<Record> T>
  [[nodiscard]] static BytesView identity() {
    static const std::string text = [] {
      std::string words{BytesView(Inner::name)};
      [&]<class... L>(detail::StepList<L...>) {
        ((words += " " + std::to_string(L::since) + "=" +
                   std::string(L::RecordCodec::template identity<typename L::Record>())),
         ...);
      }(Layouts{});
      return words;
    }();
    return text;
  }

  /// What stands in the way of reading records that were written under this
  /// name and identity is found by the ledger of the schema, which knows the
  /// steps themselves.
  template <std::same_as<Record> T>
  static void check_stored(BytesView, BytesView) noexcept {}
};

}  // namespace varve
