// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>

// What a layer of the stack that keeps a history, if there is one, has to be told, since reserved
// trees have none.
namespace varve::detail {

/// The index has been built from the records that are there.
template <class Part>
void tell_built(Part& part, Tree index) {
  if constexpr (requires { part.index_built(index); }) {
    part.index_built(index);
  } else if constexpr (LayerShape<Part>) {
    tell_built(part.next(), index);
  }
}

/// What is stored will be read otherwise than what is there: no rollback may bring that back.
template <class Part>
void end_rollbacks(Part& part) {
  if constexpr (requires { part.end_rollbacks(); }) {
    part.end_rollbacks();
  } else if constexpr (LayerShape<Part>) {
    end_rollbacks(part.next());
  }
}

}  // namespace varve::detail
