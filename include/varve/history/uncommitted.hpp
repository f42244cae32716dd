// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/history/change_set.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/options.hpp>

#include <optional>
#include <span>
#include <string>

namespace varve {

/// The commitment of a `Versioned` that keeps history and no roots.
struct Uncommitted {
  static constexpr BytesView name = "none";
};

namespace detail::history {

[[noreturn]] inline void refuse_commitment(BytesView stored, BytesView compiled) {
  throw Error(ErrorKind::stack_mismatch,
              {.message = "the store keeps roots of the kind '" + std::string(stored) +
                          "' and this program is built for '" + std::string(compiled) +
                          "', which would leave them behind: open it with the commitment that "
                          "wrote it, or copy it into a new store",
               .operation = "open",
               .layer = "versioned"});
}

/// How a commitment takes part in heights. In general: committer.hpp.
template <class Commitment>
class Committer;

template <>
class Committer<Uncommitted> {
 public:
  static constexpr bool commits = false;

  struct Update {};

  explicit Committer(const VersionedOptions&) noexcept {}

  /// Brings the pages to the state of the head; answers the head that it wrote, if it did.
  template <KvEngine Next>
  static std::optional<Head> open(Next&, const OwnTrees&, const Head& head) {
    if (head.commitment != Uncommitted::name) refuse_commitment(head.commitment, Uncommitted::name);
    return std::nullopt;
  }

  /// Whether the records of the tree are part of the root.
  template <KvEngine Next>
  static bool in_root(const Next&, const OwnTrees&, Tree) noexcept {
    return false;
  }

  template <KvEngine Next>
  static Update update(const Next&, const OwnTrees&, const WriteBatch&,
                       std::span<const RecordChange>, WriteBatch&) noexcept {
    return {};
  }

  template <KvEngine Next>
  static HeightRecord finish(const Next&, const Update&, const OwnTrees&, HeightWriter& height) {
    return height.finish(0, {}, 0);
  }

  static void accept(const Update&) noexcept {}
  static void answer(BytesView) noexcept {}
  static void forget() noexcept {}
};

}  // namespace detail::history

}  // namespace varve
