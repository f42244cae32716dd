// SPDX-License-Identifier: Apache-2.0
//
// 16,384 real block headers: version 1 stores them; version 2 stores the cumulative difficulty
// beside each and in a tree of its own; version 3 drops both, because they can be recomputed.
// Needs sepolia_headers_16384.csv.zst, in ../shared/data or where VARVE_DATA says.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::TempDirectory;

namespace {

using Hash = std::array<std::uint8_t, 32>;

struct Header {
  Hash hash{};
  Hash parent{};
  Hash state_root{};
  std::uint64_t difficulty = 0;
  std::uint64_t timestamp = 0;
  std::uint64_t gas_used = 0;
  std::uint32_t transactions = 0;

  friend bool operator==(const Header&, const Header&) = default;
};
struct Weighed {
  Header header{};
  std::uint64_t total_difficulty = 0;
};

using Number = std::uint64_t;

/// The total difficulty of each block, as a node has it in memory once it has read its headers.
std::map<Number, std::uint64_t>& known_totals() {
  static std::map<Number, std::uint64_t> totals;
  return totals;
}

using Headers = RecordTree<"headers", Number>;
using Blocks = RecordTree<"blocks", Number>;
using Totals = RecordTree<"totals", Number>;

std::pair<Number, Weighed> weighed(const Number& number, const Header& header) {
  return {number, {header, known_totals().at(number)}};
}
std::pair<Number, Header> unweighed(const Number& number, const Weighed& block) {
  return {number, block.header};
}
std::pair<Number, std::uint64_t> total_of(const Number& number, const Header&) {
  return {number, known_totals().at(number)};
}

/// The way back is that of the other move.
std::optional<std::pair<Number, Header>> nothing_back(const Number&, const std::uint64_t&) {
  return std::nullopt;
}

struct StoreTotals : Step<1, 2> {
  static constexpr auto description = "the total difficulty, beside each block and in a tree";
  using Actions =
      varve::Actions<Move<Headers, Blocks, Header, Weighed, &weighed, &unweighed>,
                     Move<Headers, Totals, Header, std::uint64_t, &total_of, &nothing_back>>;
};

Header header_alone(const Weighed& block) {
  return block.header;
}

struct DropTotals : Step<2, 3> {
  static constexpr auto description = "the total difficulty is computed when it is asked for";
  static constexpr auto loss = lossy("total_difficulty: the sum of the difficulties");
  using Actions =
      varve::Actions<DropTree<"totals">, Rewrite<Blocks, Weighed, Header, &header_alone>>;
};

using ToTwo = MigrationChain<StoreTotals>;
using ToThree = MigrationChain<StoreTotals, DropTotals>;
using WeighedCodec = Evolving<ToTwo, Blocks>;
using TotalCodec = Evolving<ToTwo, Totals>;

struct DropTotalsLazily : DropTotals {
  static constexpr Pace pace = lazy;
};

using ToThreeLazily = MigrationChain<StoreTotals, DropTotalsLazily>;

/// What the file says of a block.
struct Row {
  Number number = 0;
  Header header{};
  std::uint64_t total = 0;
};

Hash hash_of(const std::string& digits) {
  REQUIRE(digits.size() == 64);
  Hash hash{};
  for (std::size_t i = 0; i != hash.size(); ++i) {
    hash[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  }
  return hash;
}

std::string data_file() {
  const char* const given = std::getenv("VARVE_DATA");
  const std::string name = "sepolia_headers_16384.csv.zst";
  for (const std::string& directory : {given == nullptr ? std::string() : std::string(given),
                                       std::string(VARVE_SOURCE_DIRECTORY "/../shared/data")}) {
    if (!directory.empty() && std::filesystem::exists(directory + "/" + name)) {
      return directory + "/" + name;
    }
  }
  return {};
}

std::vector<Row> read_rows(const std::string& path) {
  std::FILE* const pipe = ::popen(("zstd -dc '" + path + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 1 << 16> some{};
  while (const std::size_t size = std::fread(some.data(), 1, some.size(), pipe)) {
    text.append(some.data(), size);
  }
  REQUIRE(::pclose(pipe) == 0);

  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  REQUIRE(line ==
          "number,hash,parent_hash,state_root,difficulty,total_difficulty,timestamp,gas_used,"
          "tx_count");
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::array<std::string, 9> field;
    for (std::string& one : field) std::getline(fields, one, ',');
    rows.push_back({.number = std::stoull(field[0]),
                    .header = {.hash = hash_of(field[1]),
                               .parent = hash_of(field[2]),
                               .state_root = hash_of(field[3]),
                               .difficulty = std::stoull(field[4]),
                               .timestamp = std::stoull(field[6]),
                               .gas_used = std::stoull(field[7]),
                               .transactions = static_cast<std::uint32_t>(std::stoul(field[8]))},
                    .total = std::stoull(field[5])});
  }
  return rows;
}

/// The rows; none, with a loud word, where the file is not there.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    const std::string path = data_file();
    if (path.empty()) {
      std::fprintf(stderr,
                   "SKIPPED: migrations/sepolia has NOT run: sepolia_headers_16384.csv.zst is "
                   "neither in ../shared/data nor where VARVE_DATA says\n");
      return std::vector<Row>();
    }
    std::vector<Row> read = read_rows(path);
    REQUIRE(read.size() == 16'384);
    return read;
  }();
  return all;
}

/// Blocks whose numbers follow on each other: the first row of each, and the sum before it.
template <class Use>
void each_total(const std::vector<Row>& all, Use&& use) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i != all.size(); ++i) {
    const bool follows = i != 0 && all[i].number == all[i - 1].number + 1;
    if (!follows) total = all[i].total - all[i].header.difficulty;
    total += all[i].header.difficulty;
    use(all[i].number, total);
  }
}

std::string key_of(Number number) {
  std::string bytes;
  Ordered::encode(number, bytes);
  return bytes;
}

/// What the program of version 1 leaves behind.
template <class Engine>
void write_version_1(const std::string& directory) {
  auto store = open<Engine>(directory);
  const Tree headers = store.open_tree("headers");
  WriteBatch batch;
  std::string bytes;
  for (const Row& row : rows()) {
    bytes.clear();
    Packed::encode(row.header, bytes);
    batch.put(headers, key_of(row.number), bytes);
  }
  store.write(batch);
  each_total(rows(), [](Number number, std::uint64_t total) { known_totals()[number] = total; });
}

template <class Store>
MigratedOptions accepted(const std::string& directory, MigratedOptions options = {}) {
  options.accept_loss = plan<Store>(directory).hash();
  options.grace = {};
  return options;
}

/// Stamps the records as of version 1. A chain that loses something goes no further.
template <class Store>
void adopt(const std::string& directory) {
  try {
    static_cast<void>(open<Store>(directory, MigratedOptions{.adopt_as = 1}));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::schema_loss) throw;
  }
}

/// Reads the blocks, sums their difficulties up and compares with the file.
template <class Chain, class Store>
void check_recomputed(Store& store) {
  using Codec = Evolving<Chain, Blocks>;
  const auto tree = store.find_tree("blocks");
  REQUIRE(tree);
  std::vector<Row> read;
  auto row = rows().begin();
  for (const Entry entry : store.scan(*tree, KeyRange::all())) {
    REQUIRE(row != rows().end());
    read.push_back({.number = Ordered::decode<Number>(entry.key),
                    .header = Codec::template decode<Header>(entry.value),
                    .total = row->total});
    if (read.back().number != row->number || read.back().header != row->header) {
      FAIL("block " << row->number << " is not what it was");
    }
    ++row;
  }
  REQUIRE(read.size() == rows().size());
  std::size_t i = 0;
  std::size_t wrong = 0;
  each_total(read, [&](Number, std::uint64_t total) { wrong += total != rows()[i++].total; });
  CHECK(wrong == 0);
  CHECK_FALSE(store.find_tree("totals"));
}

}  // namespace

TEMPLATE_TEST_CASE("Sepolia headers: version 2 has the totals of the file, beside and apart", "",
                   VARVE_STACKS_OF_LANE(LmdbAdapter, RocksAdapter)) {
  if (rows().empty()) return;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<ToTwo, TestType>;
  write_version_1<TestType>(directory);
  adopt<Store>(directory);
  auto store = open<Store>(directory, accepted<Store>(directory));
  const Tree blocks = *store.find_tree("blocks");
  const Tree totals = *store.find_tree("totals");
  std::size_t wrong = 0;
  for (const Row& row : rows()) {
    const std::string key = key_of(row.number);
    const auto block = WeighedCodec::decode<Weighed>(get_copy(store, blocks, key).value());
    const auto total = TotalCodec::decode<std::uint64_t>(get_copy(store, totals, key).value());
    wrong +=
        block.header != row.header || block.total_difficulty != row.total || total != row.total;
  }
  CHECK(wrong == 0);
}

TEST_CASE("Sepolia headers: from version 1 to 3 on LMDB, which drops the tree") {
  if (rows().empty()) return;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<ToThree, LmdbAdapter>;
  write_version_1<LmdbAdapter>(directory);
  adopt<Store>(directory);
  auto store = open<Store>(directory, accepted<Store>(directory));
  check_recomputed<ToThree>(store);
  CHECK(store.held_trees() == std::vector<std::string>{"totals"});
  store.purge("totals");
  CHECK_FALSE(store.next().find_tree("totals"));
}

TEST_CASE("Sepolia headers: to version 3 on RocksDB, lazily") {
  if (rows().empty()) return;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  write_version_1<RocksAdapter>(directory);
  {
    using Two = Migrated<ToTwo, RocksAdapter>;
    adopt<Two>(directory);
    auto store = open<Two>(directory);
  }
  using Store = Migrated<ToThreeLazily, RocksAdapter>;
  auto store = open<Store>(directory, accepted<Store>(directory));
  const auto version_of_first = [&] {
    const std::string first = key_of(rows().front().number);
    return get_copy(store, *store.find_tree("blocks"), first).value().front();
  };
  CHECK(store.mixed());
  CHECK(version_of_first() == '\x02');
  check_recomputed<ToThreeLazily>(store);

  CHECK(scrub(store).complete);
  CHECK_FALSE(store.mixed());
  CHECK(version_of_first() == '\x03');
  check_recomputed<ToThreeLazily>(store);
}

TEST_CASE("Sepolia headers: the sums of the file are those of its difficulties") {
  if (rows().empty()) return;
  std::size_t i = 0;
  std::size_t wrong = 0;
  each_total(rows(), [&](Number, std::uint64_t total) { wrong += total != rows()[i++].total; });
  CHECK(wrong == 0);
}
