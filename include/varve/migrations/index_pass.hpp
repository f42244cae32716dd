// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/tables/build.hpp>
#include <varve/tables/opening.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

namespace varve::detail {

/// Builds the index of action `A` of step `S`, from records that have the layout of that step. It
/// may be stopped at any time: what the store has recorded of the index says how far it is.
template <class Chain, class S, class A>
class IndexBuilder {
  using Source = typename A::Source;
  using Record = typename A::In;
  using Codec = typename Source::RecordCodec;
  using Layouts = layouts_at_t<Chain, Source::text, S::to>;

 public:
  template <KvEngine E>
  IndexBuilder(E& engine, Tree records) {
    table_.name = Source::name;
    table_.catalogue = engine.open_tree(tables::catalogue_tree);
    table_.records = records;
    const std::string name(A::index);
    table_.indexes.push_back({name, A::Built::template definition<Codec, Record>(),
                              engine.open_tree(table_.name + "." + name), A::Built::unique});
    table_.entries_of = &append_entries;
  }

  template <KvEngine E>
  void begin(E& engine) {
    tables::start_building(engine, table_, 0);
  }

  /// Answers whether more is to be done.
  template <KvEngine E>
  bool step(E& engine, std::size_t records) {
    return tables::build_step<IndexBuilder>(engine, table_, records);
  }

 private:
  static void append_entries(BytesView key, BytesView bytes, tables::EntryList& entries) {
    try {
      append_all(key, bytes, entries);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      refuse_record(A::tree, key, error.what(), true);
    }
  }

  static void append_all(BytesView key, BytesView bytes, tables::EntryList& entries) {
    const std::size_t first = entries.size();
    if constexpr (Layouts::size == 0) {
      A::Built::template append<Codec>(Codec::template decode<Record>(bytes), key, 0, entries);
    } else {
      const versions::Tagged record = versions::take_tag(bytes);
      const auto version = static_cast<std::uint32_t>(record.version);
      read_as<Layouts, Layouts::size - 1, void>(
          layout_at(Layouts{}, version), record.bytes,
          [&](const Record& raised) { A::Built::template append<Codec>(raised, key, 0, entries); });
    }
    entries.sort_from(first);
  }

  tables::TableCore table_;
};

/// An index of a table goes, with its entries.
template <class A>
struct DropIndexPass {
  static constexpr BytesView name = A::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t) noexcept { return true; }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    E& engine = batches.engine();
    WriteBatch batch;
    forget_index(engine, batch, A::tree, A::index);
    if (!batch.empty()) engine.write(batch, Durability::synced);
    const std::string entries = std::string(A::tree).append(".").append(A::index);
    if (const auto tree = engine.find_tree(entries)) engine.drop_tree(*tree);
    batches.end_pass();
  }

  // It is to be built then: the program that names it does so.
  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t) {
    batches.end_pass();
  }
};

/// An index of a table that step `S` builds.
template <class Chain, class S, class A>
struct BuildIndexPass {
  static constexpr BytesView name = A::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t) noexcept { return true; }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    E& engine = batches.engine();
    if (const auto tree = engine.find_tree(A::tree)) {
      IndexBuilder<Chain, S, A> index(engine, *tree);
      if (batches.run().cursor.empty()) {
        index.begin(engine);
        batches.reach("begun", WriteBatch());
      }
      const auto records = std::clamp<std::size_t>(batches.options().batch_records, 1, 4096);
      while (index.step(engine, records)) batches.meter().did(A::tree, 0, false);
    }
    batches.end_pass();
  }

  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t) {
    DropIndexPass<A>::take(batches);
  }
};

}  // namespace varve::detail
