// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace varve::testing {

/// How the kit comes by engines: `make()` gives a fresh, empty one. It is asked many times.
template <class F>
concept Fixture = KvEngine<typename F::Engine> && requires(F& fixture) {
  { fixture.make() } -> std::same_as<std::unique_ptr<typename F::Engine>>;
};

/// Besides, `reopen(engine)` closes the engine and opens the same data again.
template <class F>
concept PersistentFixture =
    Fixture<F> && requires(F& fixture, std::unique_ptr<typename F::Engine> engine) {
      { fixture.reopen(std::move(engine)) } -> std::same_as<std::unique_ptr<typename F::Engine>>;
    };

/// Besides, `fresh_directory()` names a directory that does not exist, and `open_at(directory)`
/// opens the checkpoint in one.
template <class F>
concept CheckpointFixture = Fixture<F> && requires(F& fixture, const std::string& directory) {
  { fixture.fresh_directory() } -> std::same_as<std::string>;
  { fixture.open_at(directory) } -> std::same_as<std::unique_ptr<typename F::Engine>>;
};

/// A fixture from a callable that gives a fresh engine by value or by `std::unique_ptr`, for
/// engines that live in memory. An engine that is given by value need not be movable.
template <class Make>
class FixtureOf {
  static auto unwrap(Make& make) {
    using Made = decltype(make());
    if constexpr (requires { typename Made::element_type; }) {
      return make();
    } else {
      return std::unique_ptr<Made>(new Made(make()));
    }
  }

 public:
  using Engine = typename decltype(unwrap(std::declval<Make&>()))::element_type;

  explicit FixtureOf(Make make) : make_(std::move(make)) {}

  [[nodiscard]] std::unique_ptr<Engine> make() { return unwrap(make_); }

 private:
  Make make_;
};

}  // namespace varve::testing
