// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace varve::detail::memory {

template <class T>
struct Linked {
  T* previous = nullptr;
  T* next = nullptr;
};

/// A list of `T`s that carry their own links and belong to somebody else.
template <class T>
class List {
 public:
  [[nodiscard]] T* front() const noexcept { return first_; }

  void push_front(T* item) noexcept {
    item->previous = nullptr;
    item->next = first_;
    (first_ != nullptr ? first_->previous : last_) = item;
    first_ = item;
  }

  void remove(T* item) noexcept {
    (item->previous != nullptr ? item->previous->next : first_) = item->next;
    (item->next != nullptr ? item->next->previous : last_) = item->previous;
  }

  /// Moves every item of `other` to the end.
  void take(List& other) noexcept {
    if (other.first_ == nullptr) return;
    other.first_->previous = last_;
    (last_ != nullptr ? last_->next : first_) = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace varve::detail::memory
