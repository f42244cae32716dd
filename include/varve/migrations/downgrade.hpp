// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/options.hpp>
#include <varve/open.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace varve {

namespace detail {

template <class Part>
struct SchemaOf : SchemaOf<typename Part::Next> {};
template <class Part>
  requires requires { typename Part::Schema; }
struct SchemaOf<Part> {
  using type = typename Part::Schema;
};

}  // namespace detail

/// The chain of the layer `Migrated` of a stack.
template <class Stack>
using schema_of_t = typename detail::SchemaOf<Stack>::type;

/// Takes the store in `directory` back to `version` and closes it: for the
/// program whose chain ends there. A run that has not ended, and began with
/// that version, is taken back too. Safe to be killed at any moment: the same
/// call goes on.
///
/// Does not compile where a step in the way loses data. The same for a version
/// that is known only at run time: `MigratedOptions::take_back_to`. Errors: as
/// of `open`.
template <class Stack, std::uint32_t version, class... Options>
void downgrade(const std::string& directory, MigratedOptions migrated = {}, Options... others) {
  static_assert(schema_of_t<Stack>::leads_back_to(version),
                "no way leads back to this version: the chain has none of it, or a step "
                "in the "
                "way loses data; restore the backup that was made before that step");
  migrated.take_back_to = version;
  static_cast<void>(open<Stack>(directory, std::move(migrated), std::move(others)...));
}

}  // namespace varve
