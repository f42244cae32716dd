// SPDX-License-Identifier: Apache-2.0

#include "catch.hpp"
#include "temp_directory.hpp"

#include <varve/adapters/rocksdb.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using varve::Error;
using varve::ErrorKind;
using varve::KeyRange;
using varve::RocksAdapter;
using varve::WriteBatch;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

using Rows = std::map<std::string, std::string>;

std::string number(std::size_t i) {
  const std::string digits = std::to_string(i);
  return std::string(6 - digits.size(), '0') + digits;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string only_file(const std::string& directory, const std::string& suffix) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string file = entry.path().string();
    const bool fits = file.find(suffix) != std::string::npos;
    if (fits && std::filesystem::file_size(file) != 0) found = file;
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

Rows rows(const RocksAdapter& engine) {
  Rows found;
  for (const varve::Entry entry : engine.scan(*engine.find_tree("rows"), KeyRange::all())) {
    found.emplace(entry.key, entry.value);
  }
  return found;
}

/// Rows of batch `i`, two of them: whoever sees one must see the other.
WriteBatch batch_of(varve::Tree tree, std::size_t i, std::size_t bytes) {
  const std::string value(bytes, static_cast<char>('a' + i % 26));
  return WriteBatch().put(tree, number(i) + "a", value).put(tree, number(i) + "b", value);
}

/// A store that was written with synced batches and closed, so that all rows are in its log.
class Written {
 public:
  static constexpr std::size_t batches = 40;

  Written() {
    RocksAdapter engine(directory_ / "store");
    const varve::Tree tree = engine.open_tree("rows");
    for (std::size_t i = 0; i < batches; ++i) {
      engine.write(batch_of(tree, i, i % 10 == 5 ? 30'000 : 10 + 40 * (i % 4)));
    }
    all_ = ::rows(engine);
  }

  [[nodiscard]] const Rows& rows() const { return all_; }
  [[nodiscard]] std::string path() const { return directory_ / "store"; }
  [[nodiscard]] std::string log() const { return only_file(path(), ".log"); }

  /// A copy in which `file` holds `bytes`.
  [[nodiscard]] std::string copy_with(const std::string& file, const std::string& bytes) const {
    const std::string to = directory_ / "copy";
    std::filesystem::remove_all(to);
    std::filesystem::copy(path(), to, std::filesystem::copy_options::recursive);
    write_file(to + "/" + std::filesystem::path(file).filename().string(), bytes);
    return to;
  }

  /// What the store holds with such a file, or nothing where it says that it is damaged.
  [[nodiscard]] std::optional<Rows> rows_with(const std::string& file,
                                              const std::string& bytes) const {
    try {
      const RocksAdapter engine(copy_with(file, bytes));
      return ::rows(engine);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corruption) throw;
      return std::nullopt;
    }
  }

 private:
  TempDirectory directory_;
  Rows all_;
};

/// Where the records of a sound log begin.
std::vector<std::size_t> record_starts(const std::string& log) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at + 7 <= log.size();) {
    if (32768 - at % 32768 < 7) {
      at += 32768 - at % 32768;
      continue;
    }
    starts.push_back(at);
    at += 7 + static_cast<unsigned char>(log[at + 4]) +
          256U * static_cast<unsigned char>(log[at + 5]);
  }
  return starts;
}

}  // namespace

TEST_CASE("RocksAdapter: no flipped byte of a synced log loses a row without a word") {
  const Written store;
  const std::string path = store.log();
  const std::string sound = read_file(path);
  REQUIRE(sound.size() > 3 * 32768);
  REQUIRE(store.rows_with(path, sound) == store.rows());

  std::mt19937 random(GENERATE(1U, 2U));
  std::vector<std::size_t> places;
  for (const std::size_t start : record_starts(sound)) {
    for (std::size_t i = 0; i < 7; ++i) places.push_back(start + i);
  }
  REQUIRE(places.size() > 7 * 40);
  for (int i = 0; i < 50; ++i) places.push_back(random() % sound.size());
  std::size_t refused = 0;
  for (const std::size_t place : places) {
    std::string damaged = sound;
    const auto mask =
        static_cast<char>(random() % 2 == 0 ? 1U << random() % 8 : 1 + random() % 255);
    damaged[place] = static_cast<char>(damaged[place] ^ mask);
    const auto found = store.rows_with(path, damaged);
    refused += found ? 0 : 1;
    INFO("byte " << place << " of " << sound.size() << " ^ " << int{mask});
    if (found) CHECK((*found == store.rows()));
  }
  CHECK(refused > places.size() / 2);
}

TEST_CASE("RocksAdapter: no flipped byte of the manifest loses a row without a word") {
  const Written store;
  {
    RocksAdapter engine(store.path());
    engine.compact(*engine.find_tree("rows"), KeyRange::all());
    engine.compact(engine.open_tree("other"), KeyRange::all());
  }
  const std::string path = only_file(store.path(), "MANIFEST");
  const std::string sound = read_file(path);
  std::mt19937 random(3);
  for (std::size_t place = 0; place < sound.size(); place += 1 + random() % 2) {
    std::string damaged = sound;
    damaged[place] = static_cast<char>(damaged[place] ^ static_cast<char>(1U << random() % 8));
    INFO("byte " << place << " of " << sound.size());
    const auto found = store.rows_with(path, damaged);
    if (found) CHECK((*found == store.rows()));
  }
}

TEST_CASE(
    "RocksAdapter: a log that a crash cut anywhere opens with whole batches, none missing "
    "before the cut") {
  const Written store;
  const std::string path = store.log();
  const std::string sound = read_file(path);
  std::vector<std::size_t> cuts;
  std::mt19937 random(4);
  for (std::size_t cut = sound.size(); cut > sound.size() - 200; --cut) cuts.push_back(cut);
  for (const std::size_t start : record_starts(sound)) {
    for (const std::size_t cut : {start, start + 3, start + 7, start + 8}) cuts.push_back(cut);
  }
  for (int i = 0; i < 40; ++i) cuts.push_back(random() % sound.size());
  std::sort(cuts.begin(), cuts.end());
  std::size_t least = 0;
  for (const std::size_t cut : cuts) {
    INFO("cut at " << cut << " of " << sound.size());
    const auto found = store.rows_with(path, sound.substr(0, cut));
    REQUIRE(found);
    REQUIRE(found->size() % 2 == 0);
    CHECK(found->size() >= least);
    least = found->size();
    CHECK(std::equal(found->begin(), found->end(), store.rows().begin()));
  }
  CHECK(least == store.rows().size());
}

TEST_CASE("RocksAdapter: zeros in a log are its end only where nothing follows") {
  // The records of a block end with it, so that the next block begins with a whole one: then
  // nothing tells RocksDB that a record before it is gone.
  const TempDirectory directory;
  const std::string store = directory / "store";
  Rows all;
  {
    RocksAdapter engine(store);
    const varve::Tree tree = engine.open_tree("rows");
    for (std::size_t i = 0; i < 30; ++i) engine.write(batch_of(tree, i, 200));
    const std::size_t used = std::filesystem::file_size(only_file(store, ".log"));
    REQUIRE(used < 16'384);
    const std::string fill(32768 - used - 7 - 12 - 3 - 6 - 3, 'f');
    engine.write(WriteBatch().put(tree, "filler", fill));
    for (std::size_t i = 31; i < 60; ++i) engine.write(batch_of(tree, i, 200));
    all = rows(engine);
  }
  const std::string log = only_file(store, ".log");
  const std::string sound = read_file(log);
  const std::vector<std::size_t> starts = record_starts(sound);
  REQUIRE(std::find(starts.begin(), starts.end(), 32768) != starts.end());
  const auto found_with = [&](const std::string& bytes) -> std::optional<Rows> {
    const std::string copy = directory / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(store, copy, std::filesystem::copy_options::recursive);
    write_file(copy + "/" + std::filesystem::path(log).filename().string(), bytes);
    try {
      return rows(RocksAdapter(copy));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corruption) throw;
      return std::nullopt;
    }
  };
  CHECK((found_with(sound + std::string(100'000, '\0')) == all));
  const auto zeroed = [&](std::size_t first, std::size_t last) {
    std::string damaged = sound;
    std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(first),
              damaged.begin() + static_cast<std::ptrdiff_t>(last), '\0');
    return damaged;
  };
  for (const std::size_t which : {std::size_t{3}, std::size_t{20}}) {
    CHECK((found_with(zeroed(starts[which], 32768)) == std::nullopt));
    CHECK((found_with(zeroed(starts[which], starts[which + 1])) == std::nullopt));
    CHECK((found_with(zeroed(starts[which], starts[which] + 4096)) == std::nullopt));
  }
  CHECK((found_with(zeroed(0, 32768)) == std::nullopt));
}

TEST_CASE("RocksAdapter: the refusal of a damaged log says where, and how to go on") {
  const Written store;
  const std::string path = store.log();
  const std::string sound = read_file(path);
  std::string damaged = sound;
  const std::size_t last = record_starts(sound).back();
  damaged[last + 4] = static_cast<char>(damaged[last + 4] + 1);
  const std::string copy = store.copy_with(path, damaged);
  std::string said;
  try {
    const RocksAdapter engine(copy);
  } catch (const Error& error) {
    said = error.what();
  }
  CHECK_THAT(said, ContainsSubstring("byte " + std::to_string(last)));
  CHECK_THAT(said, ContainsSubstring("kPointInTimeRecovery"));

  varve::RocksOptions options;
  options.tune = [](rocksdb::DBOptions& database, rocksdb::ColumnFamilyOptions&) {
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  };
  const RocksAdapter saved(copy, options);
  CHECK(rows(saved).size() == store.rows().size() - 2);
}

TEST_CASE("RocksAdapter: a store without its CURRENT is refused, not begun anew") {
  const Written store;
  const std::string copy = store.copy_with("CURRENT", "");
  std::filesystem::remove(copy + "/CURRENT");
  CHECK_THROWS_AS(RocksAdapter(copy), Error);
  write_file(copy + "/CURRENT", "MANIFEST-999999\n");
  CHECK_THROWS_AS(RocksAdapter(copy), Error);
  write_file(copy + "/CURRENT", "");
  CHECK_THROWS_AS(RocksAdapter(copy), Error);
}

TEST_CASE("RocksAdapter: damage in a table file is an error where it is read") {
  const Written store;
  {
    RocksAdapter engine(store.path());
    engine.compact(*engine.find_tree("rows"), KeyRange::all());
  }
  const std::string path = only_file(store.path(), ".sst");
  const std::string sound = read_file(path);
  std::mt19937 random(5);
  std::size_t refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::string damaged = sound;
    const std::size_t place = random() % sound.size();
    damaged[place] = static_cast<char>(damaged[place] ^ static_cast<char>(1U << random() % 8));
    INFO("byte " << place << " of " << sound.size());
    const auto found = store.rows_with(path, damaged);
    refused += found ? 0 : 1;
    if (found) CHECK((*found == store.rows()));
  }
  CHECK(refused > 0);
}
