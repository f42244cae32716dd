// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/key_range.hpp>
#include <varve/tables/page.hpp>
#include <varve/tables/pass.hpp>

#include <range/v3/range_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve {

/// A part of a table, by its keys or by an index: an input range, of std and of range-v3, that is
/// read as it is walked. Copyable, and each `begin()` starts a new pass, which sees the one state
/// of that moment. What an iterator gives is valid until it moves. An engine's scan goes one way:
/// what a range of bidirectional iterators would promise, it has as `descending()`, also spelled `|
/// varve::views::reverse`.
///
/// The source must outlive it. Errors: those of the source; `corruption` of the codec; `busy` where
/// the index is not readable.
template <class Source, class Access, detail::tables::Show show>
class Rows : public ranges::view_base {
  using Pass = detail::tables::Pass<Source, Access, show>;
  using Show = detail::tables::Show;

 public:
  using Table = typename Access::Table;
  using Row = typename detail::tables::RowOf<Access, show>::type;

  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using reference = const Row&;
    using pointer = const Row*;

    Iterator() = default;

    [[nodiscard]] const Row& operator*() const { return pass_->row(); }
    [[nodiscard]] const Row* operator->() const { return &pass_->row(); }
    Iterator& operator++() {
      pass_->next();
      return *this;
    }
    void operator++(int) { ++*this; }

    friend bool operator==(const Iterator& at, std::default_sentinel_t) {
      return !at.pass_->valid();
    }

   private:
    friend class Rows;
    explicit Iterator(std::shared_ptr<Pass> pass) noexcept : pass_(std::move(pass)) {}

    std::shared_ptr<Pass> pass_;
  };

  Rows() = default;

  Rows(const Source& source, std::shared_ptr<const detail::tables::TableCore> table,
       KeyBounds bounds = {}, Order order = Order::ascending)
      : source_(&source), table_(std::move(table)), bounds_(std::move(bounds)), order_(order) {}

  [[nodiscard]] Iterator begin() const { return Iterator(pass(range(), order_)); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  /// The same rows in the opposite order.
  [[nodiscard]] Rows descending() const {
    Rows turned = *this;
    turned.order_ = order_ == Order::ascending ? Order::descending : Order::ascending;
    return turned;
  }

  /// The keys of the records alone; by an index, without reading the records.
  [[nodiscard]] auto keys() const { return shown<Show::keys>(); }

  /// The codec's views of the records, in place, each valid until the iterator moves.
  [[nodiscard]] auto views() const { return shown<Show::views>(); }

  /// The entries of the index, with what they store; the records are not read.
  [[nodiscard]] auto entries() const {
    static_assert(Access::is_index, "only an index has entries: these are the records themselves");
    return shown<Show::entries>();
  }

  /// The number of rows, by reading their keys.
  [[nodiscard]] std::uint64_t count() const {
    const auto all = keys();
    std::uint64_t rows = 0;
    for (const auto pass = all.pass(range(), order_); pass->valid(); pass->next()) ++rows;
    return rows;
  }

  [[nodiscard]] bool empty() const { return !keys().pass(range(), order_)->valid(); }

  [[nodiscard]] auto first() const {
    static_assert(show != Show::views, "a view ends with its pass: ask for the record");
    const auto at = pass(range(), order_);
    return at->valid() ? std::optional<Row>(std::move(at->row())) : std::nullopt;
  }
  [[nodiscard]] auto last() const { return descending().first(); }

  /// The rows after those of the page that ended with `after`, at most `size` of them. A token is
  /// good for the same rows in the same order, also in another process and after writes.
  /// Errors: `invalid_argument` for a token that no page of these rows has given.
  [[nodiscard]] Page<Row> page(std::size_t size, BytesView after = {}) const {
    static_assert(show != Show::views, "a view ends with its pass: ask for the records");
    Page<Row> page;
    if (size == 0) {
      page.next = after;
      return page;
    }
    const std::uint64_t query = detail::tables::query_hash(
        {table_->name, Access::name(*table_), bounds_.first(), bounds_.bounded() ? "<" : "-",
         bounds_.last(), order_ == Order::ascending ? "+" : "-"});
    KeyBounds rest = bounds_;
    if (!after.empty()) {
      const std::string last = detail::tables::read_token(after, query, table_->name);
      rest = order_ == Order::ascending ? after_key(last) : before_key(last);
    }
    std::string last;
    for (const auto at = pass(range_of(rest), order_); at->valid(); at->next()) {
      if (page.rows.size() == size) {
        page.next = detail::tables::page_token(last, query);
        break;
      }
      page.rows.push_back(std::move(at->row()));
      last = at->entry_key();
    }
    return page;
  }

 protected:
  template <class, class, Show>
  friend class Rows;

  [[nodiscard]] Rows narrowed(KeyRange range) const {
    Rows rows = *this;
    rows.bounds_ = KeyBounds(range);
    return rows;
  }

 private:
  template <Show other>
  [[nodiscard]] Rows<Source, Access, other> shown() const {
    return Rows<Source, Access, other>(*source_, table_, bounds_, order_);
  }

  [[nodiscard]] static KeyRange range_of(const KeyBounds& bounds) noexcept {
    return bounds.bounded() ? KeyRange::between(bounds.first(), bounds.last())
                            : KeyRange::from(bounds.first());
  }
  [[nodiscard]] KeyRange range() const noexcept { return range_of(bounds_); }

  [[nodiscard]] std::shared_ptr<Pass> pass(KeyRange range, Order order) const {
    return std::make_shared<Pass>(*source_, *table_, range, order);
  }

  [[nodiscard]] KeyBounds after_key(std::string key) const {
    key.push_back('\0');
    return KeyBounds(bounds_.bounded() ? KeyRange::between(key, bounds_.last())
                                       : KeyRange::from(key));
  }
  [[nodiscard]] KeyBounds before_key(const std::string& key) const {
    return KeyBounds(KeyRange::between(bounds_.first(), key));
  }

  const Source* source_ = nullptr;
  std::shared_ptr<const detail::tables::TableCore> table_;
  KeyBounds bounds_;
  Order order_ = Order::ascending;
};

namespace views {

/// `rows | varve::views::reverse` is `rows.descending()`.
struct Reverse {
  template <class Source, class Access, detail::tables::Show show>
  [[nodiscard]] friend Rows<Source, Access, show> operator|(const Rows<Source, Access, show>& rows,
                                                            Reverse) {
    return rows.descending();
  }
};

inline constexpr Reverse reverse{};

}  // namespace views

}  // namespace varve

template <class Source, class Access, varve::detail::tables::Show show>
inline constexpr bool std::ranges::enable_view<varve::Rows<Source, Access, show>> = true;
/// Iterators own their pass.
template <class Source, class Access, varve::detail::tables::Show show>
inline constexpr bool std::ranges::enable_borrowed_range<varve::Rows<Source, Access, show>> = true;
