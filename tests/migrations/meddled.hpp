// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

/// A call that changes a store.
struct Change {
  enum class Kind : std::uint8_t { write, open_tree, drop_tree, checkpoint };

  Kind kind{};
  const varve::WriteBatch* batch = nullptr;  ///< of a write
  varve::Durability durability{};            ///< of a write
};

template <varve::KvEngine Next>
struct MeddledOptions {
  /// Called in front of each change, and behind it.
  std::function<void(const Change&, Next&)> before{};
  std::function<void(const Change&, Next&)> after{};
  /// How many entries the next scan gives before it says that it is at its end; nothing for all.
  std::function<std::optional<std::uint64_t>()> cut{};

  template <class Visit>
  void visit_fields(Visit&& /*visit*/) const {}
};

namespace detail {

template <varve::EntryScan S>
class CutCursor {
 public:
  CutCursor(S scan, std::optional<std::uint64_t> entries) noexcept
      : scan_(std::move(scan)), left_(entries.value_or(~std::uint64_t{0})) {}

  [[nodiscard]] bool valid() const noexcept { return left_ != 0 && scan_.valid(); }
  [[nodiscard]] varve::Entry entry() const { return scan_.entry(); }
  void next() {
    scan_.next();
    --left_;
  }

 private:
  S scan_;
  std::uint64_t left_;
};

}  // namespace detail

/// Lets a test look at the engine, change it or end the process around each change that the layers
/// above make, and end scans too early without a word.
template <varve::KvEngine Next>
class Meddled
    : public varve::Layer<Next, varve::Forwards<varve::Group::reads, varve::Group::maintenance>,
                          varve::Blocks<varve::Group::snapshots, varve::Group::bulk,
                                        varve::Group::transactions, varve::Group::tail>> {
 public:
  using Options = MeddledOptions<Next>;
  using ScanType = varve::Scan<detail::CutCursor<varve::scan_t<Next>>>;

  static constexpr varve::BytesView name = "meddled";

  template <class Context>
  explicit Meddled(Context& context)
      : Meddled::Layer(context), options_(context.template options<Options>()) {}

  [[nodiscard]] ScanType scan(varve::Tree tree, varve::KeyRange range,
                              varve::Order order = varve::Order::ascending) const {
    const auto cut = options_.cut ? options_.cut() : std::nullopt;
    return ScanType({this->next().scan(tree, range, order), cut});
  }

  [[nodiscard]] std::uint64_t approximate_count(varve::Tree tree, varve::KeyRange range) const
    requires varve::CountEngine<Next>
  {
    return this->next().approximate_count(tree, range);
  }

  void write(const varve::WriteBatch& batch,
             varve::Durability durability = varve::Durability::synced) {
    change({Change::Kind::write, &batch, durability},
           [&] { this->next().write(batch, durability); });
  }

  void write_and_drop(const varve::WriteBatch& batch, std::span<const varve::Tree> dropped,
                      varve::Durability durability)
    requires varve::TransactionalDropEngine<Next>
  {
    change({Change::Kind::drop_tree, &batch, durability},
           [&] { this->next().write_and_drop(batch, dropped, durability); });
  }

  [[nodiscard]] varve::Tree open_tree(varve::BytesView tree_name) {
    if (const auto known = this->next().find_tree(tree_name)) return *known;
    std::optional<varve::Tree> tree;
    change({Change::Kind::open_tree}, [&] { tree = this->next().open_tree(tree_name); });
    return *tree;
  }

  [[nodiscard]] std::optional<varve::Tree> find_tree(varve::BytesView tree_name) const {
    return this->next().find_tree(tree_name);
  }

  void drop_tree(varve::Tree tree) {
    change({Change::Kind::drop_tree}, [&] { this->next().drop_tree(tree); });
  }

  [[nodiscard]] std::vector<varve::TreeInfo> trees() const { return this->next().trees(); }

  void checkpoint(const std::string& directory)
    requires varve::CheckpointEngine<Next>
  {
    change({Change::Kind::checkpoint}, [&] { this->next().checkpoint(directory); });
  }

 private:
  template <class Act>
  void change(const Change& what, Act&& act) {
    if (options_.before) options_.before(what, this->next());
    act();
    if (options_.after) options_.after(what, this->next());
  }

  Options options_;
};

}  // namespace varve_test
