// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// A record that differs between two heights. The views live until the range moves on.
struct HeightChange {
  Tree tree;
  BytesView key;
  std::optional<BytesView> before;  ///< nothing: it was absent
  std::optional<BytesView> after;   ///< nothing: it is absent

  friend bool operator==(const HeightChange&, const HeightChange&) = default;
};

/// What `Versioned::changes` gives: an input range of `HeightChange`, in the order of trees (by
/// id) and keys, each record once. It keeps the keys that changed in memory and reads their values
/// as it goes. Single pass, one thread at a time.
template <KvReader PastReader>
class HeightChanges {
 public:
  struct Key {
    Tree tree;
    std::string key;

    friend bool operator==(const Key&, const Key&) = default;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  class Iterator {
   public:
    using value_type = HeightChange;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;

    [[nodiscard]] HeightChange operator*() const { return range_->change(); }
    Iterator& operator++() {
      range_->next();
      return *this;
    }
    void operator++(int) { ++*this; }

    friend bool operator==(const Iterator& at, std::default_sentinel_t) {
      return !at.range_->valid();
    }

   private:
    friend class HeightChanges;
    explicit Iterator(HeightChanges* range) noexcept : range_(range) {}

    HeightChanges* range_ = nullptr;
  };

  /// For `Versioned`: `keys` in order, each once.
  HeightChanges(PastReader from, PastReader to, std::vector<Key> keys)
      : from_(std::move(from)), to_(std::move(to)), keys_(std::move(keys)) {
    settle();
  }

  [[nodiscard]] Iterator begin() noexcept { return Iterator(this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  [[nodiscard]] bool valid() const noexcept { return at_ != keys_.size(); }

  /// The change at which it stands, where `valid()`.
  [[nodiscard]] HeightChange change() const {
    return {keys_[at_].tree, keys_[at_].key, view(before_), view(after_)};
  }

  void next() {
    ++at_;
    settle();
  }

 private:
  using Value = std::optional<pinned_t<PastReader>>;

  static std::optional<BytesView> view(const Value& value) noexcept {
    if (!value) return std::nullopt;
    return value->view();
  }

  /// Goes on to a key that differs: one that was changed may have been changed back.
  void settle() {
    for (; at_ != keys_.size(); ++at_) {
      before_ = from_.get(keys_[at_].tree, keys_[at_].key);
      after_ = to_.get(keys_[at_].tree, keys_[at_].key);
      if (view(before_) != view(after_)) return;
    }
  }

  PastReader from_;
  PastReader to_;
  std::vector<Key> keys_;
  std::size_t at_ = 0;
  Value before_;
  Value after_;
};

}  // namespace varve
