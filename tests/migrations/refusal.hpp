// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/open.hpp>

#include "catch.hpp"

#include <stdexcept>
#include <string>

namespace varve_test {

/// What `call` is refused with.
template <class Call>
varve::Error error_of(Call&& call) {
  try {
    call();
  } catch (const varve::Error& error) {
    return error;
  }
  FAIL("nothing was refused");
  throw std::logic_error("not reached");
}

/// What `open` refuses with.
template <class Stack, class... Options>
varve::Error refusal(const std::string& directory, const Options&... options) {
  return error_of([&] { static_cast<void>(varve::open<Stack>(directory, options...)); });
}

}  // namespace varve_test
