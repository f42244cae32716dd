// SPDX-License-Identifier: Apache-2.0

#include "catch.hpp"
#include "child.hpp"
#include "temp_directory.hpp"

#include <varve/adapters/rocksdb.hpp>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using varve::Durability;
using varve::Error;
using varve::ErrorKind;
using varve::KeyRange;
using varve::OwnLog;
using varve::RocksAdapter;
using varve::RocksOptions;
using varve::Tree;
using varve::WriteBatch;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

using Names = std::vector<std::string>;

Names names(const RocksAdapter& engine) {
  Names found;
  for (const varve::TreeInfo& info : engine.trees()) found.push_back(info.name);
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::string> value(const RocksAdapter& engine, Tree tree, varve::BytesView key) {
  const auto pinned = engine.get(tree, key);
  if (!pinned) return std::nullopt;
  return std::string(pinned->view());
}

template <class Act>
Error error_of(Act&& act) {
  try {
    std::forward<Act>(act)();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw;
}

/// What a command prints.
std::string output_of(const std::string& command) {
  const auto close = [](FILE* pipe) { static_cast<void>(::pclose(pipe)); };
  const std::unique_ptr<FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = ::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), got);
  }
  return text;
}

/// Runs a hidden test case of this program as a process of its own, on `directory`.
std::string run_child(const std::string& tag, const std::string& directory) {
  ::setenv("VARVE_TEST_DIRECTORY", directory.c_str(), 1);
  return output_of("'" + std::filesystem::read_symlink("/proc/self/exe").string() + "' '[" + tag +
                   "]'");
}

std::string given_directory() {
  const char* const given = ::getenv("VARVE_TEST_DIRECTORY");
  REQUIRE(given != nullptr);
  return given;
}

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

/// A store that another program makes.
class Foreign {
 public:
  Foreign(const std::string& directory, const Names& families) {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> described;
    for (const std::string& name : families) {
      described.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    const rocksdb::Status status =
        varve::detail::rocks::open_database(options, directory, described, handles_, database_);
    INFO(status.ToString());
    REQUIRE(status.ok());
  }

  ~Foreign() {
    for (auto* const handle : handles_) {
      static_cast<void>(database_->DestroyColumnFamilyHandle(handle));
    }
  }

  void put(std::size_t family, const std::string& key, const std::string& text) {
    REQUIRE(database_->Put({}, handles_[family], key, text).ok());
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace

TEST_CASE("RocksAdapter: a store of another program shows all its families") {
  const TempDirectory directory;
  const std::string path = directory / "store";
  const bool uses_default = GENERATE(true, false);
  {
    Foreign foreign(path, {"default", "one", "two"});
    foreign.put(1, "k", "v");
    if (uses_default) foreign.put(0, "d", "v");
  }
  const Names wanted = uses_default ? Names{"default", "one", "two"} : Names{"one", "two"};
  {
    RocksAdapter engine(path);
    CHECK(names(engine) == wanted);
    CHECK(value(engine, *engine.find_tree("one"), "k") == "v");
    CHECK(engine.find_tree("one")->number() == 1);
    if (uses_default) {
      const Tree tree = *engine.find_tree("default");
      CHECK(value(engine, tree, "d") == "v");
      engine.write(WriteBatch().erase(tree, "d"));
    }
  }
  CHECK(names(RocksAdapter(path)) == wanted);
  const Foreign again(path, {"default", "one", "two"});
}

TEST_CASE("RocksAdapter: 'default' is a tree once it is opened as one, and cannot be dropped") {
  const TempDirectory directory;
  {
    RocksAdapter engine(directory.path());
    static_cast<void>(engine.open_tree("other"));
    CHECK(names(engine) == Names{"other"});
    CHECK(engine.find_tree("default") == std::nullopt);
  }
  {
    RocksAdapter engine(directory.path());
    CHECK(names(engine) == Names{"other"});
    const Tree tree = engine.open_tree("default");
    CHECK(engine.open_tree("default") == tree);
    CHECK(names(engine) == Names{"default", "other"});
    engine.write(WriteBatch().put(tree, "k", "v"));
    const Error error = error_of([&] { engine.drop_tree(tree); });
    CHECK(error.kind() == ErrorKind::not_supported);
    CHECK(error.details().tree == "default");
    CHECK_THAT(error.what(), ContainsSubstring("erase_range"));
    CHECK(value(engine, tree, "k") == "v");
    engine.write(WriteBatch().erase_range(tree, KeyRange::all()));
  }
  CHECK(names(RocksAdapter(directory.path())) == Names{"default", "other"});
}

TEST_CASE("RocksAdapter: ldb reads the store") {
  if (output_of("command -v ldb").empty()) {
    WARN("ldb is not installed; not tested");
    return;
  }
  const TempDirectory directory;
  {
    RocksAdapter engine(directory.path());
    const Tree tree = engine.open_tree("rows");
    engine.write(WriteBatch().put(tree, "key-b", "2").put(tree, "key-a", "1"));
    engine.compact(tree, KeyRange::all());
    engine.write(WriteBatch().put(engine.open_tree("varve.stack"), "in the log", "3"));
  }
  const std::string ldb = "ldb --db='" + directory.path() + "' ";
  CHECK_THAT(output_of(ldb + "--column_family=rows scan 2>&1"),
             ContainsSubstring("key-a : 1\nkey-b : 2"));
  CHECK_THAT(output_of(ldb + "--column_family=varve.stack get 'in the log' 2>&1"),
             ContainsSubstring("3"));
  CHECK_THAT(output_of(ldb + "list_column_families 2>&1"), ContainsSubstring("varve.stack"));
  RocksAdapter engine(directory.path());
  CHECK(value(engine, *engine.find_tree("rows"), "key-a") == "1");
}

TEST_CASE("child: opens the store and says how that went", "[.][opens]") {
  std::string said = "opened";
  try {
    const RocksAdapter engine(given_directory());
  } catch (const Error& error) {
    said = error.what();
  }
  std::printf("%s\n", said.c_str());
}

TEST_CASE("RocksAdapter: a directory in use is refused and its holder named") {
  const TempDirectory directory;
  std::optional<RocksAdapter> engine(directory.path());
  const Error error = error_of([&] { const RocksAdapter second(directory.path()); });
  CHECK(error.kind() == ErrorKind::busy);
  CHECK_THAT(error.what(), ContainsSubstring("this process"));
  const std::string said = run_child("opens", directory.path());
  CHECK_THAT(said, ContainsSubstring("busy"));
  CHECK_THAT(said, ContainsSubstring(std::to_string(::getpid())));
  engine.reset();
  CHECK_THAT(run_child("opens", directory.path()), ContainsSubstring("opened"));
}

TEST_CASE("RocksAdapter: a directory that another RocksDB program holds is busy") {
  const TempDirectory directory;
  const Foreign foreign(directory / "store", {"default"});
  CHECK(error_of([&] { const RocksAdapter engine(directory / "store"); }).kind() ==
        ErrorKind::busy);
  CHECK_THAT(run_child("opens", directory / "store"), ContainsSubstring("busy"));
}

TEST_CASE("RocksAdapter: a child of fork can neither use nor harm it") {
  const TempDirectory directory;
  std::optional<RocksAdapter> engine(directory.path());
  const Tree tree = engine->open_tree("rows");
  engine->write(WriteBatch().put(tree, "k", "v"));
  auto snapshot = std::make_unique<varve::RocksSnapshot>(engine->snapshot());
  auto scan = std::make_unique<varve::RocksScan>(engine->scan(tree, KeyRange::all()));
  auto loader = std::make_unique<varve::RocksBulkLoader>(engine->bulk_loader(tree));
  loader->put("l", "v");
  CHECK(varve_test::child_succeeds([&] {
    int refused = 0;
    const auto check = [&](auto&& act) {
      try {
        act();
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::invalid_argument) ++refused;
      }
    };
    check([&] { static_cast<void>(engine->get(tree, "k")); });
    check([&] { static_cast<void>(engine->scan(tree, KeyRange::all())); });
    check([&] { engine->write(WriteBatch().put(tree, "k", "child")); });
    check([&] { engine->flush(); });
    check([&] { static_cast<void>(engine->open_tree("x")); });
    check([&] { static_cast<void>(engine->trees()); });
    check([&] { static_cast<void>(engine->snapshot()); });
    check([&] { static_cast<void>(snapshot->get(tree, "k")); });
    check([&] { loader->finish(); });
    check([&] { static_cast<void>(engine->statistics()); });
    loader.reset();
    scan.reset();
    snapshot.reset();
    engine.reset();
    return refused == 10;
  }));
  CHECK(scan->entry().value == "v");
  loader->finish();
  engine->write(WriteBatch().put(tree, "m", "w"));
  loader.reset();
  scan.reset();
  snapshot.reset();
  engine.reset();
  const RocksAdapter again(directory.path());
  CHECK(value(again, tree, "k") == "v");
  CHECK(value(again, tree, "l") == "v");
  CHECK(value(again, tree, "m") == "w");
}

TEST_CASE("RocksAdapter: directories are 0700 and files 0600 under any umask") {
  const TempDirectory directory;
  const std::string path = directory / "a/store";
  const mode_t before = ::umask(0);
  std::optional<RocksAdapter> engine(std::in_place, path);
  const auto check = [](const std::string& where) {
    CHECK(mode_of(where) == 0700);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(where)) {
      INFO(entry.path());
      CHECK(mode_of(entry.path()) == (entry.is_directory() ? 0700U : 0600U));
    }
  };
  check(directory / "a");
  const Tree tree = engine->open_tree("default");
  engine->write(WriteBatch().put(tree, "k", "v"));
  engine->compact(tree, KeyRange::all());
  {
    auto loader = engine->bulk_loader(tree);
    loader.put("l", "v");
    loader.finish();
  }
  engine->flush();
  check(path);
  engine->checkpoint(directory / "copy");
  check(directory / "copy");
  engine.reset();
  check(path);
  ::umask(before);
}

TEST_CASE("RocksAdapter: after a failed write it answers reads and refuses changes") {
  const TempDirectory directory;
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const Durability durability = GENERATE(Durability::synced, Durability::buffered);
  std::size_t written = 0;
  const auto key = [](std::size_t i) { return "key-" + std::to_string(i); };
  const std::string text(30'000, 'v');
  {
    RocksAdapter engine(directory.path());
    const Tree tree = engine.open_tree("rows");
    engine.write(WriteBatch().put(tree, "first", "1"));
    struct rlimit small = before;
    small.rlim_cur = 300'000;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::optional<Error> failure;
    while (!failure && written < 100) {
      try {
        engine.write(WriteBatch().put(tree, key(written), text), durability);
        ++written;
      } catch (const Error& error) {
        failure = error;
      }
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    REQUIRE(failure);
    INFO(failure->what());
    CHECK(failure->kind() == ErrorKind::indeterminate);
    CHECK(failure->details().operation == "write");
    CHECK_FALSE(failure->details().engine_text.empty());

    const auto poisoned = [&](auto&& act) {
      const Error error = error_of(act);
      CHECK(error.kind() == ErrorKind::poisoned);
      CHECK_FALSE(error.retryable());
      CHECK(error.details().engine_text == failure->details().engine_text);
    };
    poisoned([&] { engine.write(WriteBatch().put(tree, "k", "v")); });
    poisoned([&] { engine.write(WriteBatch().put(tree, "k", "v"), Durability::buffered); });
    poisoned([&] { engine.flush(); });
    poisoned([&] { static_cast<void>(engine.open_tree("new")); });
    poisoned([&] { engine.drop_tree(tree); });
    poisoned([&] { static_cast<void>(engine.bulk_loader(tree)); });
    poisoned([&] { engine.compact(tree, KeyRange::all()); });
    poisoned([&] { engine.checkpoint(directory / "copy"); });
    CHECK(engine.open_tree("rows") == tree);
    CHECK(value(engine, tree, "first") == "1");
    for (std::size_t i = 0; i < written; ++i) CHECK(engine.contains(tree, key(i)));
    CHECK(engine.snapshot().contains(tree, "first"));
  }
  ::signal(SIGXFSZ, handler);
  RocksAdapter engine(directory.path());
  const Tree tree = *engine.find_tree("rows");
  CHECK(value(engine, tree, "first") == "1");
  for (std::size_t i = 0; i < written; ++i) CHECK(engine.contains(tree, key(i)));
  engine.write(WriteBatch().put(tree, "k", "v"));
}

TEST_CASE("child: writes and dies", "[.][dies]") {
  RocksAdapter engine(given_directory() + "/log");
  engine.write(WriteBatch().put(engine.open_tree("rows"), "k", "v"), Durability::buffered);
  RocksOptions options;
  options.own_log = OwnLog::off;
  RocksAdapter bare(given_directory() + "/bare", options);
  const Tree a = bare.open_tree("a");
  const Tree b = bare.open_tree("b");
  bare.write(WriteBatch().put(a, "1", "v").put(b, "1", "v"), Durability::buffered);
  bare.flush();
  bare.write(WriteBatch().put(a, "2", "v").put(b, "2", "v"));
  bare.write(WriteBatch().put(a, "3", "v").put(b, "3", "v"), Durability::buffered);
  auto loader = bare.bulk_loader(a);
  loader.put("lost", "v");
  std::fflush(nullptr);
  ::_exit(0);
}

TEST_CASE("RocksAdapter: the death of the process takes only what was not promised") {
  const TempDirectory directory;
  static_cast<void>(run_child("dies", directory.path()));
  const RocksAdapter engine(directory / "log");
  CHECK(value(engine, *engine.find_tree("rows"), "k") == "v");

  RocksOptions options;
  options.own_log = OwnLog::off;
  CHECK_FALSE(std::filesystem::is_empty(directory / "bare/varve.bulk"));
  std::optional<RocksAdapter> bare(std::in_place, directory / "bare", options);
  CHECK_FALSE(std::filesystem::exists(directory / "bare/varve.bulk"));
  const Tree a = *bare->find_tree("a");
  const Tree b = *bare->find_tree("b");
  for (const char* const key : {"1", "2"}) {
    CHECK(value(*bare, a, key) == "v");
    CHECK(value(*bare, b, key) == "v");
  }
  CHECK(value(*bare, a, "3") == value(*bare, b, "3"));
  CHECK_FALSE(bare->contains(a, "lost"));

  bare->write(WriteBatch().put(a, "4", "v"), Durability::buffered);
  bare.reset();
  bare.emplace(directory / "bare", options);
  CHECK(value(*bare, a, "4") == "v");
}

TEST_CASE("RocksAdapter: a path that cannot be a store is refused") {
  const TempDirectory directory;
  CHECK(error_of([&] { const RocksAdapter engine(""); }).kind() == ErrorKind::invalid_argument);
  CHECK(error_of([&] { const RocksAdapter engine("/proc/self/exe"); }).kind() ==
        ErrorKind::invalid_argument);
}
