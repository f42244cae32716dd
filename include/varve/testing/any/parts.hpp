// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/reader.hpp>
#include <varve/testing/any/thing.hpp>

#include <cstdint>
#include <utility>

/// What the refinements hand out, each as one type.
namespace varve::testing::detail {

/// A bulk loader.
class AnyLoader {
 public:
  template <varve::detail::BulkLoader L>
  [[nodiscard]] static AnyLoader of(L loader) {
    return AnyLoader(AnyThing::of(std::move(loader)), &how_to<L>);
  }

  void put(BytesView key, BytesView value) { how_->put(loader_, key, value); }
  void finish() { how_->finish(loader_); }

 private:
  struct How {
    void (*put)(AnyThing& loader, BytesView key, BytesView value);
    void (*finish)(AnyThing& loader);
  };

  template <class L>
  static constexpr How how_to{
      [](AnyThing& loader, BytesView key, BytesView value) { loader.as<L>().put(key, value); },
      [](AnyThing& loader) { loader.as<L>().finish(); }};

  AnyLoader(AnyThing loader, const How* how) noexcept : loader_(std::move(loader)), how_(how) {}

  AnyThing loader_;
  const How* how_;
};

/// The cursor of a tail.
class AnyTail {
 public:
  template <varve::detail::TailCursor T>
  [[nodiscard]] static AnyTail of(T tail) {
    return AnyTail(AnyThing::of(std::move(tail)), &how_to<T>);
  }

  [[nodiscard]] bool valid() const { return how_->valid(tail_); }
  [[nodiscard]] std::uint64_t sequence() const { return how_->sequence(tail_); }
  [[nodiscard]] WriteBatch batch() const { return how_->batch(tail_); }
  void next() { how_->next(tail_); }

 private:
  struct How {
    bool (*valid)(const AnyThing& tail);
    std::uint64_t (*sequence)(const AnyThing& tail);
    WriteBatch (*batch)(const AnyThing& tail);
    void (*next)(AnyThing& tail);
  };

  template <class T>
  static constexpr How how_to{
      [](const AnyThing& tail) { return tail.as<T>().valid(); },
      [](const AnyThing& tail) { return tail.as<T>().sequence(); },
      [](const AnyThing& tail) -> WriteBatch { return tail.as<T>().batch(); },
      [](AnyThing& tail) { tail.as<T>().next(); }};

  AnyTail(AnyThing tail, const How* how) noexcept : tail_(std::move(tail)), how_(how) {}

  AnyThing tail_;
  const How* how_;
};

/// A transaction, which reads its own writes.
class AnyTransaction : public AnyReader {
 public:
  template <varve::detail::Transaction T>
  [[nodiscard]] static AnyTransaction of(T transaction) {
    return AnyTransaction(AnyReader::of(std::move(transaction)), &how_to<T>);
  }

  void put(Tree tree, BytesView key, BytesView value) { how_->put(reader(), tree, key, value); }
  void erase(Tree tree, BytesView key) { how_->erase(reader(), tree, key); }
  [[nodiscard]] bool commit(Durability durability) { return how_->commit(reader(), durability); }

 private:
  struct How {
    void (*put)(AnyThing& transaction, Tree tree, BytesView key, BytesView value);
    void (*erase)(AnyThing& transaction, Tree tree, BytesView key);
    bool (*commit)(AnyThing& transaction, Durability durability);
  };

  template <class T>
  static constexpr How how_to{
      [](AnyThing& transaction, Tree tree, BytesView key, BytesView value) {
        transaction.as<T>().put(tree, key, value);
      },
      [](AnyThing& transaction, Tree tree, BytesView key) { transaction.as<T>().erase(tree, key); },
      [](AnyThing& transaction, Durability durability) {
        return transaction.as<T>().commit(durability);
      }};

  AnyTransaction(AnyReader reader, const How* how) noexcept
      : AnyReader(std::move(reader)), how_(how) {}

  const How* how_;
};

}  // namespace varve::testing::detail
