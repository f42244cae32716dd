// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/parts.hpp>
#include <varve/testing/any/reader.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// Engines of every type as one type, so that what the kit does to engines is compiled once and not
/// for each stack. It has every operation of the vocabulary; which of them the engine behind it has
/// is told by `Abilities`.
class AnyEngine {
 public:
  static constexpr BytesView name = "any";

  AnyEngine() = default;
  AnyEngine(const AnyEngine&) = delete;
  AnyEngine& operator=(const AnyEngine&) = delete;
  virtual ~AnyEngine() = default;

  [[nodiscard]] virtual std::optional<AnyValue> get(Tree tree, BytesView key) const = 0;
  [[nodiscard]] virtual bool contains(Tree tree, BytesView key) const = 0;
  virtual void multi_get(Tree tree, std::span<const BytesView> keys,
                         std::span<std::optional<AnyValue>> values) const = 0;

  [[nodiscard]] virtual AnyScan scan(Tree tree, KeyRange range) const = 0;
  [[nodiscard]] virtual AnyScan scan(Tree tree, KeyRange range, Order order) const = 0;
  [[nodiscard]] virtual std::uint64_t approximate_count(Tree tree, KeyRange range) const = 0;
  [[nodiscard]] virtual AnyReader snapshot() const = 0;

  virtual void write(const WriteBatch& batch) = 0;
  virtual void write(const WriteBatch& batch, Durability durability) = 0;
  virtual void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                              Durability durability) = 0;
  [[nodiscard]] virtual AnyLoader bulk_loader(Tree tree) = 0;
  [[nodiscard]] virtual AnyTransaction begin_transaction() = 0;

  [[nodiscard]] virtual Tree open_tree(BytesView tree_name) = 0;
  [[nodiscard]] virtual std::optional<Tree> find_tree(BytesView tree_name) const = 0;
  virtual void drop_tree(Tree tree) = 0;
  [[nodiscard]] virtual std::vector<TreeInfo> trees() const = 0;

  virtual void flush() = 0;
  [[nodiscard]] virtual std::uint64_t size_on_disk() const = 0;
  [[nodiscard]] virtual Limits limits() const = 0;
  virtual void compact(Tree tree, KeyRange range) = 0;
  virtual void checkpoint(const std::string& directory) = 0;

  [[nodiscard]] virtual std::uint64_t last_sequence() const = 0;
  [[nodiscard]] virtual AnyTail tail(std::uint64_t sequence) const = 0;

  /// Another one, made from this one by a move.
  [[nodiscard]] virtual std::unique_ptr<AnyEngine> moved() = 0;
};

/// What an engine and its fixture can do beyond what each can.
struct Abilities {
  bool moves = false;
  bool snapshots = false;
  bool multi_gets = false;
  bool counts = false;
  bool bulk_loads = false;
  bool checkpoints = false;
  bool compacts = false;
  bool writes_and_drops = false;
  bool has_tail = false;
  bool has_transactions = false;
  bool is_volatile = false;
  bool reopens = false;            ///< the fixture
  bool opens_checkpoints = false;  ///< the fixture
};

template <KvEngine E>
inline constexpr Abilities abilities_of_engine{.moves = std::is_move_constructible_v<E>,
                                               .snapshots = SnapshotEngine<E>,
                                               .multi_gets = MultiGetEngine<E>,
                                               .counts = CountEngine<E>,
                                               .bulk_loads = BulkLoadEngine<E>,
                                               .checkpoints = CheckpointEngine<E>,
                                               .compacts = CompactEngine<E>,
                                               .writes_and_drops = TransactionalDropEngine<E>,
                                               .has_tail = TailEngine<E>,
                                               .has_transactions = TransactionalEngine<E>,
                                               .is_volatile = VolatileEngine<E>};

/// Nobody asks an engine for what `Abilities` denies it.
[[noreturn]] inline void cannot(const char* operation) {
  throw Error(ErrorKind::not_supported,
              {.message = "the engine does not have it", .operation = operation});
}

/// The engine `E` behind `AnyEngine`.
template <KvEngine E>
class EngineOf final : public AnyEngine {
 public:
  explicit EngineOf(std::unique_ptr<E> engine) noexcept : engine_(std::move(engine)) {}

  [[nodiscard]] std::unique_ptr<E> release() && noexcept { return std::move(engine_); }

  std::optional<AnyValue> get(Tree tree, BytesView key) const override {
    return any_value(std::as_const(*engine_).get(tree, key));
  }

  bool contains(Tree tree, BytesView key) const override {
    return std::as_const(*engine_).contains(tree, key);
  }

  /// The engine is handed the owners that `values` held, to be replaced.
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<AnyValue>> values) const override {
    if constexpr (MultiGetEngine<E>) {
      using P = pinned_t<E>;
      std::vector<std::optional<P>> pinned(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i]) pinned[i].emplace(std::move(values[i]->pinned().as<P>()));
      }
      std::as_const(*engine_).multi_get(tree, keys, std::span<std::optional<P>>(pinned));
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i].reset();
        if (pinned[i]) values[i].emplace(AnyValue::of(std::move(*pinned[i])));
      }
    } else {
      cannot("multi_get");
    }
  }

  AnyScan scan(Tree tree, KeyRange range) const override {
    return any_scan(std::as_const(*engine_).scan(tree, range));
  }
  AnyScan scan(Tree tree, KeyRange range, Order order) const override {
    return any_scan(std::as_const(*engine_).scan(tree, range, order));
  }

  std::uint64_t approximate_count(Tree tree, KeyRange range) const override {
    if constexpr (CountEngine<E>) {
      return std::as_const(*engine_).approximate_count(tree, range);
    } else {
      cannot("approximate_count");
    }
  }

  AnyReader snapshot() const override {
    if constexpr (SnapshotEngine<E>) {
      return AnyReader::of(std::as_const(*engine_).snapshot());
    } else {
      cannot("snapshot");
    }
  }

  void write(const WriteBatch& batch) override { engine_->write(batch); }
  void write(const WriteBatch& batch, Durability durability) override {
    engine_->write(batch, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability durability) override {
    if constexpr (TransactionalDropEngine<E>) {
      engine_->write_and_drop(batch, dropped, durability);
    } else {
      cannot("write_and_drop");
    }
  }

  AnyLoader bulk_loader(Tree tree) override {
    if constexpr (BulkLoadEngine<E>) {
      return AnyLoader::of(engine_->bulk_loader(tree));
    } else {
      cannot("bulk_loader");
    }
  }

  AnyTransaction begin_transaction() override {
    if constexpr (TransactionalEngine<E>) {
      return AnyTransaction::of(engine_->begin_transaction());
    } else {
      cannot("begin_transaction");
    }
  }

  Tree open_tree(BytesView tree_name) override { return engine_->open_tree(tree_name); }
  std::optional<Tree> find_tree(BytesView tree_name) const override {
    return std::as_const(*engine_).find_tree(tree_name);
  }
  void drop_tree(Tree tree) override { engine_->drop_tree(tree); }
  std::vector<TreeInfo> trees() const override { return std::as_const(*engine_).trees(); }

  void flush() override { engine_->flush(); }
  std::uint64_t size_on_disk() const override { return std::as_const(*engine_).size_on_disk(); }
  Limits limits() const override { return std::as_const(*engine_).limits(); }

  void compact(Tree tree, KeyRange range) override {
    if constexpr (CompactEngine<E>) {
      engine_->compact(tree, range);
    } else {
      cannot("compact");
    }
  }

  void checkpoint(const std::string& directory) override {
    if constexpr (CheckpointEngine<E>) {
      engine_->checkpoint(directory);
    } else {
      cannot("checkpoint");
    }
  }

  std::uint64_t last_sequence() const override {
    if constexpr (TailEngine<E>) {
      return std::as_const(*engine_).last_sequence();
    } else {
      cannot("last_sequence");
    }
  }

  AnyTail tail(std::uint64_t sequence) const override {
    if constexpr (TailEngine<E>) {
      return AnyTail::of(std::as_const(*engine_).tail(sequence));
    } else {
      cannot("tail");
    }
  }

  std::unique_ptr<AnyEngine> moved() override {
    if constexpr (std::is_move_constructible_v<E>) {
      return std::make_unique<EngineOf>(std::make_unique<E>(std::move(*engine_)));
    } else {
      cannot("a move");
    }
  }

 private:
  std::unique_ptr<E> engine_;
};

}  // namespace varve::testing::detail
