// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace varve {

namespace detail {

template <class T, class C, std::uint64_t frozen, std::uint64_t compiled>
struct FrozenLayout {
  static_assert(frozen == compiled,
                "the layout of a record that was shipped is not the one that was frozen: undo the "
                "change and add a version, or freeze what is compiled if it was never shipped");
  using type = T;
};

}  // namespace detail

/// `T`, whose layout as `C` writes it is frozen: where it is another, the program does not compile,
/// and the message shows both numbers, the frozen one and the compiled one. For the record types
/// of steps that were shipped.
template <class T, std::uint64_t fingerprint, Codec C = Packed>
using Frozen =
    typename detail::FrozenLayout<T, C, fingerprint, C::template fingerprint<T>().value>::type;

/// A tree of records, as steps name it: its name, the type of its keys and the
/// codec of its records. The type of the records changes from version to
/// version, so the steps have it.
template <FixedText tree_name, class KeyType, Codec CodecType = Packed>
struct RecordTree {
  static constexpr auto text = tree_name;
  static constexpr BytesView name = text.view();
  using Key = KeyType;
  using RecordCodec = CodecType;
};

/// What a step does, in this order.
template <class... List>
struct Actions {
  static constexpr std::size_t size = sizeof...(List);
};

enum class ActionKind : std::uint8_t { rewrite, move, create, drop };

namespace detail {

template <auto function, class... Arguments>
using answer_t = std::remove_cvref_t<decltype(function(std::declval<const Arguments&>()...))>;

template <auto function, class Answer, class... Arguments>
concept Answers = requires(const Arguments&... arguments) {
  { function(arguments...) } -> std::same_as<Answer>;
};

template <auto function>
inline constexpr bool is_given =
    !std::is_same_v<std::remove_cv_t<decltype(function)>, std::nullptr_t>;

/// What the chain asks of an action.
template <class A>
concept ChainAction = requires {
  { A::kind } -> std::convertible_to<ActionKind>;
  { A::tree } -> std::convertible_to<BytesView>;
};

}  // namespace detail

/// Each record of `Tree` becomes what `convert` makes of it, under its own key.
/// `convert` is a pure function `Out(const In&)`; `invert`, of a lossless step,
/// the way back, `In(const Out&)`.
template <class Tree, class InType, class OutType, auto convert_record,
          auto invert_record = nullptr>
struct Rewrite {
  static constexpr ActionKind kind = ActionKind::rewrite;
  static constexpr BytesView tree = Tree::name;
  static constexpr bool invertible = detail::is_given<invert_record>;

  using Source = Tree;
  using In = InType;
  using Out = OutType;

  static_assert(CodecFor<typename Tree::RecordCodec, In>,
                "the codec of the tree cannot encode the records that a step reads");
  static_assert(CodecFor<typename Tree::RecordCodec, Out>,
                "the codec of the tree cannot encode the records that a step writes");
  static_assert(detail::Answers<convert_record, Out, In>,
                "the conversion of a step is a function `Out convert(const In&)`");

  static Out convert(const In& record) { return convert_record(record); }

  static In invert(const Out& record)
    requires(invertible)
  {
    static_assert(detail::Answers<invert_record, In, Out>,
                  "the inverse of a conversion is a function `In invert(const Out&)`");
    return invert_record(record);
  }
};

/// Each record of `From` moves to `To`, under the key that `convert` gives it:
/// a pure function `std::pair<ToKey, Out>(const FromKey&, const In&)` that
/// gives no two records the same key. Several moves into one tree merge trees;
/// two moves from one tree split it.
template <class From, class To, class InType, class OutType, auto convert_record,
          auto invert_record = nullptr>
struct Move {
  static constexpr ActionKind kind = ActionKind::move;
  static constexpr BytesView tree = From::name;
  static constexpr BytesView target = To::name;
  static constexpr bool invertible = detail::is_given<invert_record>;

  using Source = From;
  using Target = To;
  using In = InType;
  using Out = OutType;
  using Moved = std::pair<typename To::Key, Out>;
  using MovedBack = std::pair<typename From::Key, In>;

  static_assert(From::name != To::name,
                "a step rewrites keys inside the tree that it reads: name "
                "another tree for the "
                "records to move to");
  static_assert(CodecFor<typename From::RecordCodec, In>,
                "the codec of the tree cannot encode the records that a step reads");
  static_assert(CodecFor<typename To::RecordCodec, Out>,
                "the codec of the tree cannot encode the records that a step writes");
  static_assert(detail::Answers<convert_record, Moved, typename From::Key, In>,
                "a move is a function `std::pair<ToKey, Out> convert(const "
                "FromKey&, const In&)`");

  static Moved convert(const typename From::Key& key, const In& record) {
    return convert_record(key, record);
  }

  static MovedBack invert(const typename To::Key& key, const Out& record)
    requires(invertible)
  {
    static_assert(detail::Answers<invert_record, MovedBack, typename To::Key, Out>,
                  "the inverse of a move is a function `std::pair<FromKey, In> "
                  "invert(const ToKey&, const "
                  "Out&)`");
    return invert_record(key, record);
  }
};

/// The tree is there after the step; it is empty.
template <FixedText tree_name>
struct CreateTree {
  static constexpr auto text = tree_name;
  static constexpr ActionKind kind = ActionKind::create;
  static constexpr BytesView tree = text.view();
  static constexpr bool invertible = true;
};

/// The tree is hidden by the step and held until it is purged.
template <FixedText tree_name>
struct DropTree {
  static constexpr auto text = tree_name;
  static constexpr ActionKind kind = ActionKind::drop;
  static constexpr BytesView tree = text.view();
  static constexpr bool invertible = false;
};

}  // namespace varve
