// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/open.hpp>

#include <memory>
#include <type_traits>

namespace varve_test {

/// Fresh engines and stacks that keep no files, for the testing kit.
template <class E>
struct InMemory {
  using Engine = E;

  [[nodiscard]] std::unique_ptr<E> make() {
    if constexpr (std::is_default_constructible_v<E>) {
      return std::make_unique<E>();
    } else {
      return std::unique_ptr<E>(new E(varve::open<E>()));
    }
  }
};

}  // namespace varve_test
