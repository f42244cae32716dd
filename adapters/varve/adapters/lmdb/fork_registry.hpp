// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <mutex>

namespace varve::lmdb {

/// The engines that are open, so that a child of `fork()` disarms its copies of them before it does
/// anything else. The fast path of a read then needs no question of its own.
class ForkRegistry {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   protected:
    ~Entry() = default;

   private:
    friend class ForkRegistry;
    virtual void forget_in_child() noexcept = 0;

    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
  };

  [[nodiscard]] static ForkRegistry& instance() {
    static ForkRegistry* const registry = new ForkRegistry;
    return *registry;
  }

  void add(Entry& entry) noexcept {
    const std::lock_guard lock(mutex_);
    entry.next_ = head_;
    if (head_ != nullptr) head_->previous_ = &entry;
    head_ = &entry;
  }

  void remove(Entry& entry) noexcept {
    const std::lock_guard lock(mutex_);
    if (entry.previous_ != nullptr) entry.previous_->next_ = entry.next_;
    if (entry.next_ != nullptr) entry.next_->previous_ = entry.previous_;
    if (head_ == &entry) head_ = entry.next_;
  }

 private:
  ForkRegistry() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().forget_all(); });
  }

  void forget_all() noexcept {
    for (Entry* entry = head_; entry != nullptr; entry = entry->next_) entry->forget_in_child();
    head_ = nullptr;
    mutex_.unlock();
  }

  std::mutex mutex_;
  Entry* head_ = nullptr;
};

}  // namespace varve::lmdb
