// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/engine.hpp>
#include <varve/testing/fixture.hpp>

#include <memory>
#include <string>
#include <utility>

namespace varve::testing::detail {

/// Fixtures of every type as one type.
class AnyFixture {
 public:
  AnyFixture(const AnyFixture&) = delete;
  AnyFixture& operator=(const AnyFixture&) = delete;
  virtual ~AnyFixture() = default;

  [[nodiscard]] const Abilities& can() const noexcept { return can_; }

  [[nodiscard]] virtual std::unique_ptr<AnyEngine> make() = 0;
  [[nodiscard]] virtual std::unique_ptr<AnyEngine> reopen(std::unique_ptr<AnyEngine> engine) = 0;
  [[nodiscard]] virtual std::string fresh_directory() = 0;
  [[nodiscard]] virtual std::unique_ptr<AnyEngine> open_at(const std::string& directory) = 0;

 protected:
  explicit AnyFixture(const Abilities& can) noexcept : can_(can) {}

 private:
  Abilities can_;
};

template <Fixture F>
[[nodiscard]] constexpr Abilities abilities_of() noexcept {
  Abilities can = abilities_of_engine<typename F::Engine>;
  can.reopens = PersistentFixture<F>;
  can.opens_checkpoints = CheckpointFixture<F>;
  return can;
}

/// The fixture `F` behind `AnyFixture`; `fixture` must outlive it.
template <Fixture F>
class FixtureBehind final : public AnyFixture {
  using Engine = EngineOf<typename F::Engine>;

 public:
  explicit FixtureBehind(F& fixture) noexcept : AnyFixture(abilities_of<F>()), fixture_(fixture) {}

  [[nodiscard]] F& fixture() noexcept { return fixture_; }

  std::unique_ptr<AnyEngine> make() override { return std::make_unique<Engine>(fixture_.make()); }

  std::unique_ptr<AnyEngine> reopen(std::unique_ptr<AnyEngine> engine) override {
    if constexpr (PersistentFixture<F>) {
      auto before = static_cast<Engine&&>(*engine).release();
      return std::make_unique<Engine>(fixture_.reopen(std::move(before)));
    } else {
      cannot("reopen");
    }
  }

  std::string fresh_directory() override {
    if constexpr (CheckpointFixture<F>) {
      return fixture_.fresh_directory();
    } else {
      cannot("fresh_directory");
    }
  }

  std::unique_ptr<AnyEngine> open_at(const std::string& directory) override {
    if constexpr (CheckpointFixture<F>) {
      return std::make_unique<Engine>(fixture_.open_at(directory));
    } else {
      cannot("open_at");
    }
  }

 private:
  F& fixture_;
};

}  // namespace varve::testing::detail
