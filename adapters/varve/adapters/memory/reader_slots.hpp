// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/errors.hpp>
#include <varve/adapters/memory/fence.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace varve::detail::memory {

/// Where a reader announces the version that it looks at; null while nobody does.
using Slot = std::atomic<const void*>;

/// The slots of one thread. Only that thread takes them; whoever holds what is read gives them
/// back, from any thread, so that neither needs a locked instruction. Never freed: the next thread
/// inherits them.
class ThreadSlots {
 public:
  /// A slot that is null. Stays free until something is announced in it.
  [[nodiscard]] Slot& take() {
    Slot& last = page_->slots[at_];
    if (last.load(std::memory_order_acquire) == nullptr) [[likely]]
      return last;
    return take_another();
  }

  template <class Visit>
  void for_each(Visit visit) const {
    const Page* page = &first_;
    for (; page != nullptr; page = page->next.load(std::memory_order_acquire)) {
      for (std::size_t i = 0; i != page->size; ++i) visit(page->slots[i]);
    }
  }

 private:
  friend class ReaderSlots;

  static constexpr std::size_t first_size = 64;

  struct Page {
    Slot* slots = nullptr;
    std::size_t size = 0;
    std::atomic<Page*> next{nullptr};
  };

  ThreadSlots() {
    first_.slots = own_;
    first_.size = first_size;
  }

  // A full search doubles the slots, so that each slot ever taken was searched for a few times.
  [[gnu::noinline]] Slot& take_another() {
    Page* last = page_;
    for (std::size_t i = 0; i != page_->size; ++i) {
      at_ = at_ + 1 == page_->size ? 0 : at_ + 1;
      if (is_free()) return page_->slots[at_];
    }
    for (Page* page = &first_; page != nullptr; page = page->next.load()) {
      page_ = last = page;
      for (at_ = 0; at_ != page->size; ++at_) {
        if (is_free()) return page->slots[at_];
      }
    }
    at_ = 0;
    Page* const more = make_page(2 * last->size);
    last->next.store(more, std::memory_order_release);
    page_ = more;
    return more->slots[0];
  }

  [[nodiscard]] static Page* make_page(std::size_t size) {
    return within_memory("read", [&] {
      auto slots = std::make_unique<Slot[]>(size);
      auto* const page = new Page;
      page->slots = slots.release();
      page->size = size;
      return page;
    });
  }

  [[nodiscard]] bool is_free() const noexcept {
    return page_->slots[at_].load(std::memory_order_acquire) == nullptr;
  }

  alignas(64) Slot own_[first_size]{};
  Page first_;
  Page* page_ = &first_;
  std::size_t at_ = 0;
  std::atomic<bool> owned_{true};
  ThreadSlots* next_ = nullptr;
};

/// The slots of all threads of the program.
class ReaderSlots {
 public:
  /// The caller's. The first call of a thread allocates.
  [[nodiscard]] static ThreadSlots& mine() {
    if (mine_ == nullptr) [[unlikely]]
      adopt();
    return *mine_;
  }

  template <class Visit>
  static void for_each(Visit visit) {
    const ThreadSlots* each = all_.load(std::memory_order_acquire);
    for (; each != nullptr; each = each->next_) each->for_each(visit);
  }

 private:
  struct Leaving {
    ~Leaving() {
      if (mine_ != nullptr) std::exchange(mine_, nullptr)->owned_.store(false);
    }
  };

  [[gnu::noinline]] static void adopt() {
    static thread_local const Leaving leaving;
    static_cast<void>(leaving);
    for (ThreadSlots* each = all_.load(); each != nullptr; each = each->next_) {
      bool owned = false;
      if (each->owned_.compare_exchange_strong(owned, true)) {
        mine_ = each;
        return;
      }
    }
    auto* const slots = within_memory("read", [] { return new ThreadSlots; });
    slots->next_ = all_.load();
    while (!all_.compare_exchange_weak(slots->next_, slots)) {
    }
    mine_ = slots;
  }

  // One set of slots for all shared objects of a program, or a writer would miss readers.
  [[gnu::visibility("default")]] static inline std::atomic<ThreadSlots*> all_{nullptr};
  [[gnu::visibility("default")]] static inline constinit thread_local ThreadSlots* mine_ = nullptr;
};

}  // namespace varve::detail::memory
