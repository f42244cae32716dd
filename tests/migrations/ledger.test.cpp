// SPDX-License-Identifier: Apache-2.0
#include <varve/migrations/ledger.hpp>

#include <varve/adapters/memory.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "migrations/dump.hpp"

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;

namespace {

using Bytes = std::map<std::string, std::string>;

/// The key as messages have it.
std::string shown(const std::string& key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string::npos || key.rfind("tree/", 0) == 0) return key;
  const BytesView prefix = BytesView(key).substr(0, slash + 1);
  return std::string(prefix) + std::to_string(detail::number_of_key(prefix, key));
}

/// A record of each kind, by its key.
Bytes every_kind() {
  Bytes all;
  const auto add = [&](const std::string& key, const auto& record) {
    all[key] = detail::ledger_bytes(key, record);
  };
  add("head", LedgerHead{.store = 7,
                         .epoch = 3,
                         .state = StoreState::migrating,
                         .write_version = 2,
                         .floor_version = 1,
                         .least_program = 3,
                         .chain = 9,
                         .written_by = "0.1.0"});
  add("run", LedgerRun{.identity = 5,
                       .from = 2,
                       .to = 3,
                       .chain = 9,
                       .shape = 8,
                       .floor = 2,
                       .pass = 1,
                       .cursor = "k",
                       .batches = 4,
                       .records = 40,
                       .total = 100,
                       .bytes = 800,
                       .refused = 1,
                       .milliseconds = 12,
                       .started = 1'700'000'000,
                       .digests = {{.tree = "blocks", .records = 40, .sum = 6}},
                       .untagged = {"old"},
                       .backup = "b"});
  add(detail::numbered_key("step/", 513), LedgerStep{.from = 1,
                                                     .to = 2,
                                                     .identity = 11,
                                                     .lossy = true,
                                                     .records = 3,
                                                     .started = 1'700'000'000,
                                                     .finished = 1'700'000'001});
  add("scrub",
      LedgerScrub{.version = 3, .epoch = 2, .tree = "blocks", .cursor = "k", .records = 9});
  add("tree/blocks", LedgerTree{.version = 2, .since = 1'700'000'000});
  add(detail::numbered_key("height/", 100), LedgerHeight{.state = HeightState::running,
                                                         .version = 2,
                                                         .floor = 2,
                                                         .untagged = {"old"},
                                                         .partly = "old",
                                                         .below = "k"});
  add(detail::numbered_key("refused/", 1),
      LedgerRefusal{.tree = "blocks", .key = "k", .value = "v", .reason = "why"});
  return all;
}

/// The test vectors of docs/formats/ledger.md: lines of a key and a value.
Bytes vectors_of_the_page() {
  std::ifstream page(VARVE_SOURCE_DIRECTORY "/docs/formats/ledger.md");
  REQUIRE(page);
  Bytes all;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("```", 0) == 0) inside = line == "```vectors";
    const std::size_t blank = line.find(' ');
    if (!inside || blank == std::string::npos) continue;
    all[varve_test::from_hex(line.substr(0, blank))] = varve_test::from_hex(line.substr(blank + 1));
  }
  return all;
}

/// Reads the record under the key, of whatever kind, and answers it as it is written.
std::string written_again(const std::string& key, const std::string& bytes) {
  const auto again = [&]<class Record>() {
    return detail::ledger_bytes(key, detail::ledger_record<Record>(key, bytes));
  };
  if (key == "head") return again.operator()<LedgerHead>();
  if (key == "run") return again.operator()<LedgerRun>();
  if (key == "scrub") return again.operator()<LedgerScrub>();
  if (key.rfind("step/", 0) == 0) return again.operator()<LedgerStep>();
  if (key.rfind("tree/", 0) == 0) return again.operator()<LedgerTree>();
  if (key.rfind("height/", 0) == 0) return again.operator()<LedgerHeight>();
  return again.operator()<LedgerRefusal>();
}

/// The record with another number of its format, and the checksum that goes with it.
std::string with_format(const std::string& key, const std::string& bytes, char format) {
  std::string body = bytes.substr(4);
  body[key == "head" ? 16 : 0] = format;
  return detail::sealed_record(key, body);
}

Error error_of(const std::string& key, const std::string& bytes) {
  try {
    static_cast<void>(written_again(key, bytes));
  } catch (const Error& error) {
    return error;
  }
  FAIL("the record was read");
  throw std::logic_error("not reached");
}

}  // namespace

TEST_CASE("Ledger: each kind of record is the bytes that docs/formats/ledger.md gives") {
  const Bytes vectors = vectors_of_the_page();
  const Bytes records = every_kind();
  for (const auto& [key, bytes] : records) {
    INFO(varve_test::to_hex(key) + " " + varve_test::to_hex(bytes));
    const auto vector = vectors.find(key);
    CHECK((vector != vectors.end() && vector->second == bytes));
  }
  CHECK(vectors.size() == records.size());
  for (const auto& [key, bytes] : vectors) CHECK(written_again(key, bytes) == bytes);
}

TEST_CASE(
    "Ledger: a record of a later format is refused by its name, and never read as an old one") {
  for (const auto& [key, bytes] : every_kind()) {
    CAPTURE(key);
    const Error newer = error_of(key, with_format(key, bytes, 2));
    CHECK(newer.kind() == ErrorKind::schema_newer);
    CHECK_THAT(newer.what(), ContainsSubstring("the record '" + shown(key) + "' of the ledger"));
    CHECK_THAT(newer.what(), ContainsSubstring("has format 2"));
    CHECK_THAT(newer.what(), ContainsSubstring("open the store with the program that wrote it"));
    const Error unreadable = error_of(key, with_format(key, bytes, 0));
    CHECK(unreadable.kind() == ErrorKind::corruption);
    CHECK_THAT(unreadable.what(), ContainsSubstring("of the ledger cannot be read"));
  }
}

TEST_CASE("Ledger: a ledger that asks for a newer reader is refused, one that does not is read") {
  const std::string head = every_kind().at("head");
  const auto with = [&](char format, char least_reader) {
    std::string body = head.substr(4);
    body[8] = format;
    body[12] = least_reader;
    return detail::sealed_record("head", body);
  };
  CHECK(detail::ledger_record<LedgerHead>("head", with(2, 1)).epoch == 3);
  const Error newer = error_of("head", with(2, 2));
  CHECK(newer.kind() == ErrorKind::schema_newer);
  CHECK_THAT(newer.what(), ContainsSubstring("the ledger has format 2"));
}

TEST_CASE("Ledger: a record under another key, one that is cut off and any flip are corruption") {
  for (const auto& [key, bytes] : every_kind()) {
    CAPTURE(key);
    for (std::size_t i = 0; i != bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
      CHECK(error_of(key, damaged).kind() == ErrorKind::corruption);
      CHECK(error_of(key, bytes.substr(0, i)).kind() == ErrorKind::corruption);
    }
    CHECK_THAT(error_of(key, bytes.substr(0, 3)).what(), ContainsSubstring("ledger is cut off"));
    CHECK_THAT(error_of(key, bytes.substr(0, 9)).what(), ContainsSubstring("ledger is damaged"));
    if (key.rfind("tree/", 0) != 0) continue;
    CHECK(error_of("tree/others", bytes).kind() == ErrorKind::corruption);
  }
}

TEST_CASE("Ledger: a refusal that is gone is told") {
  auto engine = open<MemoryAdapter>();
  Ledger<MemoryAdapter> ledger(engine);
  ledger.create();
  CHECK_THROWS_WITH(static_cast<void>(ledger.refusal(3)),
                    ContainsSubstring("'refused/3' of the ledger is missing"));
}

TEST_CASE("Ledger: what is noted of a height holds up to the next note, and replaces those above") {
  auto engine = open<MemoryAdapter>();
  Ledger<MemoryAdapter> ledger(engine);
  ledger.create();
  const auto note = [&](std::uint64_t height, std::uint32_t version) {
    WriteBatch batch;
    ledger.put(batch, height, LedgerHeight{.version = version});
    engine.write(batch);
  };
  CHECK_FALSE(ledger.at_height(5));
  note(0, 1);
  note(10, 2);
  note(300, 3);
  CHECK(ledger.at_height(9)->second.version == 1);
  CHECK(ledger.at_height(10)->second.version == 2);
  CHECK(ledger.at_height(299)->first == 10);
  CHECK(ledger.at_height(~std::uint64_t{0})->second.version == 3);
  CHECK(ledger.above_height(9)->first == 10);
  CHECK(ledger.above_height(10)->first == 300);
  CHECK_FALSE(ledger.above_height(300));
  CHECK_FALSE(ledger.above_height(~std::uint64_t{0}));
  note(11, 4);
  CHECK(ledger.at_height(300)->second.version == 4);
  CHECK_FALSE(ledger.above_height(11));
}
