// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/write_batch.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
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

/// A part of what a step means, and so of what is stored: do not change the numbers.
enum class ActionKind : std::uint8_t {
  rewrite = 0,
  move = 1,
  create = 2,
  drop = 3,
  build_index = 4,
  drop_index = 5,
  custom = 6
};

namespace detail {

template <auto function, class... Arguments>
using answer_t = std::remove_cvref_t<decltype(function(std::declval<const Arguments&>()...))>;

template <auto function, class Answer, class... Arguments>
concept Answers = requires(const Arguments&... arguments) {
  { function(arguments...) } -> std::same_as<Answer>;
};

/// A conversion that may answer nothing, of a record that it does not take.
template <auto function, class Answer, class... Arguments>
concept MayAnswer = Answers<function, std::optional<Answer>, Arguments...>;

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
/// gives no two records the same key. Several moves into one tree merge trees; several from one
/// tree split it: a function that answers `std::optional<std::pair<ToKey, Out>>` takes the records
/// for which it answers something. In a lossless step each record is taken by a move.
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
  /// Whether it takes some records and not all.
  static constexpr bool partial = detail::MayAnswer<convert_record, Moved, typename From::Key, In>;

  static_assert(partial || detail::Answers<convert_record, Moved, typename From::Key, In>,
                "a move is a function `std::pair<ToKey, Out> convert(const FromKey&, const In&)`, "
                "or the same with std::optional around the pair");

  static auto convert(const typename From::Key& key, const In& record) {
    return convert_record(key, record);
  }

  static auto invert(const typename To::Key& key, const Out& record)
    requires(invertible)
  {
    static_assert(detail::Answers<invert_record, MovedBack, typename To::Key, Out> ||
                      detail::MayAnswer<invert_record, MovedBack, typename To::Key, Out>,
                  "the inverse of a move is a function `std::pair<FromKey, In> invert(const "
                  "ToKey&, const Out&)`, or the same with std::optional around the pair");
    return invert_record(key, record);
  }
};

namespace detail {

template <class Tree, class Record>
struct SameRecord {
  static std::pair<typename Tree::Key, Record> move(const typename Tree::Key& key,
                                                    const Record& record) {
    return {key, record};
  }
};

}  // namespace detail

/// The records of `From` move to `To` as they are.
template <class From, class To, class Record>
using RenameTree = Move<From, To, Record, Record, &detail::SameRecord<From, Record>::move,
                        &detail::SameRecord<From, Record>::move>;

/// The tree is there after the step; it is empty.
template <FixedText tree_name>
struct CreateTree {
  static constexpr auto text = tree_name;
  static constexpr ActionKind kind = ActionKind::create;
  static constexpr BytesView tree = text.view();
  static constexpr bool invertible = true;
};

/// An index of the table of this tree is built from its records, of type `RecordType`, and can be
/// read when the store opens: `BuildIndex<Accounts, Account, Index<"by_owner", &Account::owner>>`.
template <class Tree, class RecordType, class IndexType>
struct BuildIndex {
  static constexpr ActionKind kind = ActionKind::build_index;
  static constexpr BytesView tree = Tree::name;
  static constexpr BytesView index = IndexType::name;
  static constexpr bool invertible = true;

  using Source = Tree;
  using In = RecordType;
  using Out = RecordType;
  using Built = IndexType;
};

/// An index of a table goes, with its entries: programs no longer name it.
template <FixedText table_name, FixedText index_name>
struct DropIndex {
  static constexpr auto text = table_name;
  static constexpr auto index_text = index_name;
  static constexpr ActionKind kind = ActionKind::drop_index;
  static constexpr BytesView tree = text.view();
  static constexpr BytesView index = index_text.view();
  static constexpr bool invertible = true;
};

/// Code of your own, in batches: `work(store, cursor, batch)` adds to the batch and answers how far
/// it has come, a `std::optional<std::string>`; nothing when it is done. The first cursor is empty.
/// The batch and the cursor are written as one, so that each batch is made once, whatever happens.
/// All records are of the version that the step leads from. It stands alone in its step, which is
/// lossy, since nobody knows what it does.
///
///     inline constexpr auto count_all = [](auto& store, BytesView cursor, WriteBatch& batch)
///         -> std::optional<std::string> { ... };
template <FixedText action_name, auto work>
struct Custom {
  static constexpr auto text = action_name;
  static constexpr ActionKind kind = ActionKind::custom;
  static constexpr BytesView tree = text.view();
  static constexpr bool invertible = false;

  template <class E>
  static std::optional<std::string> run(E& engine, BytesView cursor, WriteBatch& batch) {
    return work(engine, cursor, batch);
  }
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
