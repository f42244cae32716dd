// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/options.hpp>
#include <varve/buffer/reads.hpp>
#include <varve/buffer/write_buffer.hpp>
#include <varve/concepts/layer.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// A write buffer: batches gather in a memory table that is merged into every read, and go down in
/// large, sorted ones, by size, by age or at `flush`. docs/layers/buffered.md.
///
/// Models      what `Next` models, less `BulkLoadEngine`, `TransactionalEngine` and `TailEngine`.
/// Durability  A `synced` write is handed down and synced before it returns, together with those of
///             other threads. A `buffered` one does not survive the death of the process before it
///             is handed down, unless a `Wal` above has it; what is lost is the newest, and no
///             batch is lost in part. The destructor hands down what it can, without a promise.
/// Errors      Those of `Next`. Where handing down fails, a `synced` write is `indeterminate`, and
///             the store is `poisoned`: what was written is still read, and nothing more is taken.
/// Threads     any. Readers take no lock; writers take turns in memory, and wait where the layer
///             below is slower than they are. Cannot be moved. In a child of `fork()` writes and
///             `flush` are refused with `invalid_argument`.
template <KvEngine Next>
class Buffered
    : public Layer<Next, Forwards<>, Blocks<Group::bulk, Group::transactions, Group::tail>> {
  using Base = Layer<Next, Forwards<>, Blocks<Group::bulk, Group::transactions, Group::tail>>;
  using Reads = detail::BufferReads<Next>;

 public:
  using Options = BufferedOptions;
  using Value = typename Reads::Value;

  static constexpr BytesView name = "buffered";
  static constexpr Role role = Role::buffers;

  template <class Context>
  explicit Buffered(Context& context)
      : Base(context), buffer_(this->next(), context.template options<BufferedOptions>()) {}

  Buffered(Buffered&&) = delete;
  Buffered& operator=(Buffered&&) = delete;

  ~Buffered() {
    if (!buffer_.in_child()) buffer_.~WriteBuffer();
  }

  [[nodiscard]] const BufferedOptions& options() const noexcept { return buffer_.options(); }

  /// What the memory tables take up, those too that only a scan, a snapshot or a value still keeps.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return buffer_.memory_bytes(); }

  // reads

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    if (!buffer_.empty()) {
      std::optional<Value> value;
      if (buffer_.find(tree, key, [&](const detail::BufferFinding& finding) {
            if (finding.record != nullptr) value = Value::from(finding);
            return finding.table != nullptr;
          })) {
        return value;
      }
    }
    return Value::from(this->next().get(tree, key));
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    if (!buffer_.empty()) {
      const auto there = buffer_.find(tree, key, [](const detail::BufferFinding& finding) {
        return finding.table != nullptr ? std::optional(finding.record != nullptr) : std::nullopt;
      });
      if (there) return *there;
    }
    return this->next().contains(tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const
    requires MultiGetEngine<Next>
  {
    buffer_.read_with_view([&](const detail::BufferView& view) {
      Reads::multi_get(view, this->next(), tree, keys, values);
      return true;
    });
  }

  // scans

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return buffer_.read_with_view([&](detail::BufferView view) {
      return Reads::scan(std::move(view), this->next(), tree, range, order);
    });
  }

  /// What is written several times, or removed, is counted each time until it is handed down.
  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const
    requires CountEngine<Next>
  {
    std::uint64_t count = this->next().approximate_count(tree, range);
    const KeyBounds bounds(range);
    if (bounds.empty() || buffer_.empty()) return count;
    const detail::BufferView view = buffer_.view();
    for (const auto& table : view.version->tables) count += table->estimate(tree, bounds);
    return count;
  }

  // snapshots

  [[nodiscard]] auto snapshot() const
    requires SnapshotEngine<Next>
  {
    return buffer_.read_with_view([&](detail::BufferView view) {
      return detail::BufferSnapshot<snapshot_t<Next>>(std::move(view), this->next().snapshot());
    });
  }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    buffer_.write(batch, durability);
  }

  /// Hands everything down first, and takes no batch meanwhile.
  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    buffer_.alone("write_and_drop",
                  [&] { this->next().write_and_drop(batch, dropped, durability); });
  }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) { return this->next().open_tree(tree_name); }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return this->next().find_tree(tree_name);
  }

  /// Hands everything down first, and takes no batch meanwhile.
  void drop_tree(Tree tree) {
    buffer_.alone("drop_tree", [&] { this->next().drop_tree(tree); });
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const { return this->next().trees(); }

  // maintenance

  void flush() {
    buffer_.flush();
    this->next().flush();
  }

  [[nodiscard]] std::uint64_t size_on_disk() const { return this->next().size_on_disk(); }
  [[nodiscard]] Limits limits() const { return this->next().limits(); }

  void compact(Tree tree, KeyRange range)
    requires CompactEngine<Next>
  {
    buffer_.flush();
    this->next().compact(tree, range);
  }

  // checkpoints

  /// Has everything that was written before it began.
  void checkpoint(const std::string& directory)
    requires CheckpointEngine<Next>
  {
    buffer_.flush();
    this->next().checkpoint(directory);
  }

 private:
  union {  // A child of `fork()` leaves it as it is.
    detail::WriteBuffer<Next> buffer_;
  };
};

}  // namespace varve
