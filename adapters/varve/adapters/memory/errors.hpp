// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>

#include <cstdint>
#include <new>
#include <string>

namespace varve::detail::memory {

inline constexpr BytesView engine_name = "memory";

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_no_such_tree(Tree tree,
                                                                      const char* operation) {
  const std::string id = "#" + std::to_string(tree.id());
  throw Error(ErrorKind::invalid_argument,
              {.message = "there is no tree " + id +
                          "; it was never opened or has been dropped. open_tree gives a tree by "
                          "its name",
               .operation = operation,
               .tree = id,
               .layer = std::string(engine_name)});
}

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_beyond_limit(BytesView limit,
                                                                      std::uint64_t allowed,
                                                                      std::uint64_t given,
                                                                      const char* operation) {
  throw Error(ErrorKind::invalid_argument,
              {.message = std::to_string(given) + " bytes are more than " + std::string(limit) +
                          " (" + std::to_string(allowed) + "); MemoryOptions sets it",
               .operation = operation,
               .layer = std::string(engine_name)});
}

inline void check_limit(BytesView limit, std::uint64_t allowed, std::uint64_t given,
                        const char* operation) {
  if (given > allowed) [[unlikely]]
    throw_beyond_limit(limit, allowed, given, operation);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_out_of_memory(const char* operation) {
  throw Error(ErrorKind::no_space, {.message = "memory ran out; nothing was changed. Erase "
                                               "something, or try a smaller batch",
                                    .operation = operation,
                                    .layer = std::string(engine_name)});
}

/// Does what `action` does, with `no_space` for `std::bad_alloc`.
template <class Action>
decltype(auto) within_memory(const char* operation, Action action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    throw_out_of_memory(operation);
  }
}

}  // namespace varve::detail::memory
