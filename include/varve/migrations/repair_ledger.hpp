// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/plan_store.hpp>
#include <varve/migrations/put_steps.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/schema_run.hpp>
#include <varve/open.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// What a repair of the ledger went through.
struct LedgerRepair {
  std::uint64_t trees = 0;    ///< whose records have a version in front of them
  std::uint64_t records = 0;  ///< of them: each was read as one of the version
};

namespace detail {

[[noreturn]] inline void refuse_repair(ErrorKind kind, std::string message, BytesView tree = {}) {
  throw Error(kind, {.message = std::move(message),
                     .operation = "repair_ledger",
                     .tree = std::string(tree),
                     .layer = "migrated"});
}

/// Reads every record of a tree as one of `version`.
template <class Layouts, KvEngine E>
void check_layout(const E& engine, Tree tree, BytesView name, std::uint32_t version, bool tagged,
                  LedgerRepair& repair) {
  constexpr std::size_t last = Layouts::size - 1;
  using L = nth_t<last, Layouts>;
  for (auto scan = engine.scan(tree, KeyRange::all()); scan.valid(); scan.next()) {
    const Entry entry = scan.entry();
    ++repair.records;
    std::string reason;
    try {
      BytesView body = entry.value;
      if (tagged) {
        const versions::Tagged record = versions::take_tag(body);
        if (record.version < L::since || record.version > version) {
          reason = "it is of version " + std::to_string(record.version);
        }
        body = record.bytes;
      }
      const auto record = L::RecordCodec::template decode<typename L::Record>(body);
      if (!tagged) {
        // Nothing but its bytes tells what it is.
        std::string again;
        L::RecordCodec::encode(record, again);
        if (again != body) reason = "it is written otherwise in that version";
      }
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (reason.empty()) continue;
    refuse_repair(ErrorKind::invalid_argument,
                  "the record of key " + readable(entry.key) + " is none of version " +
                      std::to_string(version) + " (" + reason +
                      "): nothing was changed; name the version that the store "
                      "has, or restore it "
                      "from a backup",
                  name);
  }
}

template <class Chain, std::uint32_t version, KvEngine E>
void check_layouts(const E& engine, const Ledger<E>& ledger, LedgerRepair& repair) {
  std::vector<BytesView> seen;
  const auto check = [&]<class RecordTree>() {
    using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
    if constexpr (Layouts::size != 0) {
      if (std::find(seen.begin(), seen.end(), RecordTree::name) != seen.end()) return;
      seen.push_back(RecordTree::name);
      const auto tree = engine.find_tree(RecordTree::name);
      if (!tree) return;
      const auto known = ledger.tree(RecordTree::name);
      ++repair.trees;
      check_layout<Layouts>(engine, *tree, RecordTree::name, version,
                            known && known->state == TreeState::live, repair);
    }
  };
  const auto check_of = [&]<class A>() {
    if constexpr (requires { typename A::Source; }) check.template operator()<typename A::Source>();
    if constexpr (requires { typename A::Target; }) check.template operator()<typename A::Target>();
  };
  const auto each = [&]<class... A>(Actions<A...>) { (check_of.template operator()<A>(), ...); };
  [&]<class... S>(StepList<S...>) {
    (each(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
}

/// The head, or nothing where it cannot be read.
template <KvEngine E>
[[nodiscard]] std::optional<LedgerHead> readable_head(const Ledger<E>& ledger) {
  try {
    auto head = ledger.head();
    if (head) return head;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corruption) throw;
    return std::nullopt;
  }
  refuse_repair(ErrorKind::schema_legacy,
                "the store has no ledger: open it with "
                "MigratedOptions{.adopt_as = version}");
}

template <class Chain, KvEngine E>
LedgerRepair repair_ledger(E& engine, std::uint32_t version) {
  Ledger<E> ledger(engine);
  if (version < Chain::oldest || version > Chain::latest) {
    refuse_repair(ErrorKind::invalid_argument, "the chain leads from version " +
                                                   std::to_string(Chain::oldest) + " to " +
                                                   std::to_string(Chain::latest));
  }
  auto head = readable_head(ledger);
  if (ledger.run()) {
    refuse_repair(ErrorKind::busy, head ? "a run is under way: open the store, so that it goes on"
                                        : "a run was under way, and what is left does not say "
                                          "how far it had come: "
                                          "restore the store from a backup");
  }
  if (head && head->state != StoreState::ready) {
    refuse_repair(ErrorKind::schema_sealed,
                  "the store was moved elsewhere, or is the target of a copy "
                  "that is not complete: "
                  "there is nothing to repair");
  }
  if (head && head->write_version != version) {
    refuse_repair(ErrorKind::invalid_argument,
                  "the store is at version " + std::to_string(head->write_version));
  }
  LedgerRepair repair;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((version == Chain::oldest + i
          ? check_layouts<Chain, Chain::oldest + static_cast<std::uint32_t>(i)>(engine, ledger,
                                                                                repair)
          : void()),
     ...);
  }(std::make_index_sequence<Chain::Steps::size + 1>());

  if (!head) head = LedgerHead{.store = random_bits() | 1U};
  head->epoch = std::max(head->epoch, ledger.steps_end()) + 1;
  head->write_version = version;
  head->floor_version = version;
  head->least_program = version;
  head->chain = chain_identity(steps_of<Chain>(), Chain::oldest, version);
  head->written_by = version_text();
  WriteBatch batch;
  ledger.put(batch, *head);
  put_steps<Chain>(ledger, batch, (head->epoch << 8U) + 1, Chain::oldest, version, true);
  engine.write(batch, Durability::synced);
  return repair;
}

template <class Part>
[[nodiscard]] auto& migrated_of(Part& part) {
  if constexpr (requires { typename Part::Schema; }) {
    return part;
  } else {
    static_assert(LayerShape<Part>, "the stack has no layer Migrated");
    return migrated_of(part.next());
  }
}

}  // namespace detail

/// Writes the head of a store's ledger anew where it is damaged, and the
/// history where the store is refused as gone through another form of a step:
/// whoever calls it says that the records are those of `version` of this chain.
/// Each of them is read as such first; where one cannot be, nothing is changed.
///
/// The way for a store without a backup. Not for one that a run was changing.
/// Errors: as of `open`; `invalid_argument` for records of another version;
/// `busy`, `schema_sealed`, `schema_legacy` where there is nothing to repair.
template <class Stack, class... Options>
LedgerRepair repair_ledger(const std::string& directory, std::uint32_t version,
                           Options... options) {
  static_assert(assert_stack<Stack>());
  static_assert(detail::assert_options<Stack, Options...>());
  OpenContext<Stack, Options..., detail::PlanOnly> context(directory, std::move(options)...,
                                                           detail::PlanOnly{});
  if (!context.has_store()) {
    detail::refuse_repair(ErrorKind::invalid_argument, "there is no store in '" + directory + "'");
  }
  Stack stack(context);
  auto& migrated = detail::migrated_of(stack);
  using Schema = typename std::remove_cvref_t<decltype(migrated)>::Schema;
  return detail::repair_ledger<Schema>(migrated.next(), version);
}

}  // namespace varve
