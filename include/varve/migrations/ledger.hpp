// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/migrations/ledger_records.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

inline constexpr BytesView ledger_tree = "varve.ledger";
inline constexpr BytesView ledger_head_key = "head";
inline constexpr BytesView ledger_run_key = "run";
inline constexpr BytesView ledger_scrub_key = "scrub";
inline constexpr BytesView ledger_step_prefix = "step/";
inline constexpr BytesView ledger_tree_prefix = "tree/";
inline constexpr BytesView ledger_refusal_prefix = "refused/";
inline constexpr BytesView ledger_magic = "varveldg";
inline constexpr std::uint32_t ledger_format = 1;

[[noreturn]] inline void damaged_ledger(BytesView key, const char* what) {
  throw Error(ErrorKind::corruption,
              {.message = "the record '" + std::string(key) + "' of the ledger " + what +
                          ": restore the store from a backup",
               .operation = "open",
               .tree = std::string(ledger_tree),
               .layer = "migrated"});
}

/// Four bytes, the lowest first.
inline void append_u32(std::string& to, std::uint32_t number) {
  for (unsigned shift = 0; shift != 32; shift += 8)
    to.push_back(static_cast<char>(number >> shift));
}

[[nodiscard]] inline std::uint32_t u32_at(BytesView bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i != 4; ++i) {
    number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8U * i);
  }
  return number;
}

/// A checksum that covers the key, then the bytes.
[[nodiscard]] inline std::string sealed_record(BytesView key, BytesView body) {
  std::string bytes;
  append_u32(bytes, crc32c(body, crc32c(key)));
  return bytes.append(body);
}

[[nodiscard]] inline BytesView unsealed_record(BytesView key, BytesView bytes) {
  if (bytes.size() < 4) damaged_ledger(key, "is cut off");
  const BytesView body = bytes.substr(4);
  if (u32_at(bytes, 0) != crc32c(body, crc32c(key))) damaged_ledger(key, "is damaged");
  return body;
}

/// Eight bytes, the highest first, so that the order of the keys is that of the
/// numbers.
[[nodiscard]] inline std::string numbered_key(BytesView prefix, std::uint64_t number) {
  std::string key(prefix);
  for (unsigned shift = 64; shift != 0; shift -= 8) {
    key.push_back(static_cast<char>(number >> (shift - 8)));
  }
  return key;
}

}  // namespace detail

/// The records of a schema in the reserved tree `varve.ledger`, beside the data
/// and changed in the same batches: docs/formats/ledger.md. For the layer that
/// migrates and for tools.
template <KvEngine E>
class Ledger {
 public:
  explicit Ledger(E& engine) : engine_(&engine), tree_(engine.find_tree(detail::ledger_tree)) {}

  /// Makes the ledger's tree where it is not there.
  void create() {
    if (!tree_) tree_ = engine_->open_tree(detail::ledger_tree);
  }

  /// What the store says of itself; nothing where it was never stamped. Throws
  /// `corruption` where it cannot be read, and `schema_newer` where a newer
  /// toolkit wrote it.
  [[nodiscard]] std::optional<LedgerHead> head() const {
    const auto bytes = read(detail::ledger_head_key);
    if (!bytes) return std::nullopt;
    BytesView body = detail::unsealed_record(detail::ledger_head_key, *bytes);
    constexpr std::size_t fixed = 16;
    if (body.size() < fixed || body.substr(0, 8) != detail::ledger_magic) {
      detail::damaged_ledger(detail::ledger_head_key, "is no head of a ledger");
    }
    const std::uint32_t least_reader = detail::u32_at(body, 12);
    if (least_reader > detail::ledger_format) {
      throw Error(ErrorKind::schema_newer,
                  {.message = "the ledger has format " + std::to_string(detail::u32_at(body, 8)) +
                              " and this program reads " + std::to_string(detail::ledger_format) +
                              ": open the store with the program that wrote "
                              "it, or a newer one",
                   .operation = "open",
                   .tree = std::string(detail::ledger_tree),
                   .layer = "migrated"});
    }
    return decode<LedgerHead>(detail::ledger_head_key, body.substr(fixed));
  }

  [[nodiscard]] std::optional<LedgerRun> run() const {
    const auto bytes = read(detail::ledger_run_key);
    if (!bytes) return std::nullopt;
    return decode<LedgerRun>(detail::ledger_run_key,
                             detail::unsealed_record(detail::ledger_run_key, *bytes));
  }

  /// The rewriting of what lazy steps have left, where it was begun and has not ended.
  [[nodiscard]] std::optional<LedgerScrub> scrub() const {
    const auto bytes = read(detail::ledger_scrub_key);
    if (!bytes) return std::nullopt;
    return decode<LedgerScrub>(detail::ledger_scrub_key,
                               detail::unsealed_record(detail::ledger_scrub_key, *bytes));
  }

  /// The steps that the store went through, the first one first.
  [[nodiscard]] std::vector<LedgerStep> steps() const {
    std::vector<LedgerStep> steps;
    each<LedgerStep>(detail::ledger_step_prefix,
                     [&](BytesView, LedgerStep step) { steps.push_back(std::move(step)); });
    return steps;
  }

  /// What is recorded of a tree; nothing where the schema has not met it.
  [[nodiscard]] std::optional<LedgerTree> tree(BytesView name) const {
    const std::string key = std::string(detail::ledger_tree_prefix).append(name);
    const auto bytes = read(key);
    if (!bytes) return std::nullopt;
    return decode<LedgerTree>(key, detail::unsealed_record(key, *bytes));
  }

  [[nodiscard]] std::vector<std::pair<std::string, LedgerTree>> trees() const {
    std::vector<std::pair<std::string, LedgerTree>> trees;
    each<LedgerTree>(detail::ledger_tree_prefix, [&](BytesView name, LedgerTree tree) {
      trees.emplace_back(std::string(name), std::move(tree));
    });
    return trees;
  }

  [[nodiscard]] std::vector<LedgerRefusal> refusals() const {
    std::vector<LedgerRefusal> refusals;
    each<LedgerRefusal>(detail::ledger_refusal_prefix, [&](BytesView, LedgerRefusal refusal) {
      refusals.push_back(std::move(refusal));
    });
    return refusals;
  }

  /// One more than the highest number of a refusal.
  [[nodiscard]] std::uint64_t refusals_end() const { return end_of(detail::ledger_refusal_prefix); }

  /// One that there is.
  [[nodiscard]] LedgerRefusal refusal(std::uint64_t number) const {
    const std::string key = detail::numbered_key(detail::ledger_refusal_prefix, number);
    const auto bytes = read(key);
    if (!bytes) detail::damaged_ledger(detail::ledger_refusal_prefix, "is missing");
    return decode<LedgerRefusal>(key, detail::unsealed_record(key, *bytes));
  }

  /// One more than the highest epoch of a step.
  [[nodiscard]] std::uint64_t steps_end() const {
    return (end_of(detail::ledger_step_prefix) >> 8U) + 1;
  }

  void put(WriteBatch& batch, const LedgerHead& head) const {
    std::string body(detail::ledger_magic);
    detail::append_u32(body, detail::ledger_format);
    detail::append_u32(body, detail::ledger_format);
    Packed::encode(head, body);
    put_sealed(batch, detail::ledger_head_key, body);
  }
  void put(WriteBatch& batch, const LedgerRun& run) const {
    put_packed(batch, detail::ledger_run_key, run);
  }
  void put(WriteBatch& batch, std::uint64_t epoch, const LedgerStep& step) const {
    put_packed(batch, detail::numbered_key(detail::ledger_step_prefix, epoch), step);
  }
  void put(WriteBatch& batch, BytesView tree_name, const LedgerTree& tree) const {
    put_packed(batch, std::string(detail::ledger_tree_prefix).append(tree_name), tree);
  }
  void put(WriteBatch& batch, std::uint64_t number, const LedgerRefusal& refusal) const {
    put_packed(batch, detail::numbered_key(detail::ledger_refusal_prefix, number), refusal);
  }
  void erase_refusal(WriteBatch& batch, std::uint64_t number) const {
    batch.erase(*tree_, detail::numbered_key(detail::ledger_refusal_prefix, number));
  }
  void erase_steps(WriteBatch& batch) const {
    batch.erase_range(*tree_, KeyRange::prefix(detail::ledger_step_prefix));
  }
  void put(WriteBatch& batch, const LedgerScrub& scrub) const {
    put_packed(batch, detail::ledger_scrub_key, scrub);
  }
  void erase_scrub(WriteBatch& batch) const { batch.erase(*tree_, detail::ledger_scrub_key); }
  void erase_run(WriteBatch& batch) const { batch.erase(*tree_, detail::ledger_run_key); }
  void erase_tree(WriteBatch& batch, BytesView tree_name) const {
    batch.erase(*tree_, std::string(detail::ledger_tree_prefix).append(tree_name));
  }

 private:
  template <class Record>
  [[nodiscard]] static Record decode(BytesView key, BytesView body) {
    try {
      return Packed::decode<Record>(body);
    } catch (const Error&) {
      detail::damaged_ledger(key, "cannot be read");
    }
  }

  [[nodiscard]] std::optional<std::string> read(BytesView key) const {
    if (!tree_) return std::nullopt;
    const auto value = engine_->get(*tree_, key);
    if (!value) return std::nullopt;
    return std::string(value->view());
  }

  template <class Record, class Use>
  void each(BytesView prefix, Use&& use) const {
    if (!tree_) return;
    for (auto scan = engine_->scan(*tree_, KeyRange::prefix(prefix)); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      use(entry.key.substr(prefix.size()),
          decode<Record>(entry.key, detail::unsealed_record(entry.key, entry.value)));
    }
  }

  /// One more than the highest number behind the prefix; 0 where there is none.
  [[nodiscard]] std::uint64_t end_of(BytesView prefix) const {
    if (!tree_) return 0;
    const auto scan = engine_->scan(*tree_, KeyRange::prefix(prefix), Order::descending);
    if (!scan.valid()) return 0;
    std::uint64_t number = 0;
    for (const char c : BytesView(scan.entry().key).substr(prefix.size())) {
      number = number << 8U | static_cast<unsigned char>(c);
    }
    return number + 1;
  }

  void put_sealed(WriteBatch& batch, BytesView key, BytesView body) const {
    batch.put(*tree_, key, detail::sealed_record(key, body));
  }
  template <class Record>
  void put_packed(WriteBatch& batch, BytesView key, const Record& record) const {
    std::string body;
    Packed::encode(record, body);
    put_sealed(batch, key, body);
  }

  E* engine_;
  std::optional<Tree> tree_;
};

}  // namespace varve
