// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace varve::testing::detail {

/// Owns a thing of any type. A move of the owner is a move of the thing, so that who moves the one
/// sees how the other takes it.
class AnyThing {
 public:
  template <class T>
  [[nodiscard]] static AnyThing of(T thing) {
    return AnyThing(new T(std::move(thing)), &how_to<T>);
  }

  AnyThing(AnyThing&& other) noexcept : thing_(other.how_->moved(other.thing_)), how_(other.how_) {}

  AnyThing& operator=(AnyThing&& other) noexcept {
    if (how_ == other.how_) {
      how_->assign(thing_, other.thing_);
    } else {
      AnyThing moved(std::move(other));
      std::swap(thing_, moved.thing_);
      std::swap(how_, moved.how_);
    }
    return *this;
  }

  ~AnyThing() { how_->destroy(thing_); }

  /// The thing, which is a `T`.
  template <class T>
  [[nodiscard]] T& as() noexcept {
    return *static_cast<T*>(thing_);
  }
  template <class T>
  [[nodiscard]] const T& as() const noexcept {
    return *static_cast<const T*>(thing_);
  }

 private:
  struct How {
    void* (*moved)(void* from);
    void (*assign)(void* to, void* from);
    void (*destroy)(void* thing) noexcept;
  };

  template <class T>
  static void assign(void* to, void* from) {
    if constexpr (std::is_move_assignable_v<T>) {
      *static_cast<T*>(to) = std::move(*static_cast<T*>(from));
    } else {
      std::destroy_at(static_cast<T*>(to));
      std::construct_at(static_cast<T*>(to), std::move(*static_cast<T*>(from)));
    }
  }

  template <class T>
  static constexpr How how_to{
      [](void* from) -> void* { return new T(std::move(*static_cast<T*>(from))); }, &assign<T>,
      [](void* thing) noexcept { delete static_cast<T*>(thing); }};

  AnyThing(void* thing, const How* how) noexcept : thing_(thing), how_(how) {}

  void* thing_;
  const How* how_;
};

}  // namespace varve::testing::detail
