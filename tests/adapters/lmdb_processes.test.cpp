// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>

#include "catch.hpp"
#include "child.hpp"
#include "temp_directory.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <csignal>
#include <cstddef>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace {

using namespace varve;
using varve_test::child_succeeds;
using varve_test::ContainsSubstring;
using varve_test::Sleeper;
using varve_test::TempDirectory;

void put(LmdbAdapter& store, Tree tree, BytesView key, BytesView value) {
  WriteBatch batch;
  batch.put(tree, key, value);
  store.write(batch);
}

std::string read(const auto& reader, Tree tree, BytesView key) {
  const auto value = reader.get(tree, key);
  return value ? std::string(value->view()) : "(absent)";
}

template <class Body>
bool refused_in_child(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::invalid_argument &&
           std::string(error.what()).find("another process (fork)") != std::string::npos;
  }
  return false;
}

}  // namespace

TEST_CASE("LmdbAdapter: a second process is refused and told who holds the store") {
  const TempDirectory temp;
  Sleeper holder([&] { return std::make_unique<LmdbAdapter>(temp.path()); });
  std::string message;
  try {
    const LmdbAdapter store(temp.path());
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::busy);
    message = error.what();
  }
  std::ostringstream program;
  program << std::ifstream("/proc/self/comm").rdbuf();
  const std::string name = program.str().substr(0, program.str().size() - 1);
  CHECK_THAT(message, ContainsSubstring("held by process " + std::to_string(holder.pid()) + " (" +
                                        name + ")"));
  holder.kill();
  CHECK_NOTHROW(LmdbAdapter(temp.path()));
}

TEST_CASE("LmdbAdapter: what a killed process had written is there, and its readers are cleared") {
  const TempDirectory temp;
  Sleeper writer([&] {
    auto store = std::make_unique<LmdbAdapter>(temp.path());
    const Tree tree = store->open_tree("tree");
    WriteBatch batch;
    batch.put(tree, "buffered", "1");
    put(*store, tree, "synced", "1");
    store->write(batch, Durability::buffered);
    static LmdbSnapshot reader = store->snapshot();
    return store;
  });
  writer.kill();
  LmdbAdapter store(temp.path());
  const Tree tree = store.find_tree("tree").value();
  CHECK(read(store, tree, "synced") == "1");
  CHECK(read(store, tree, "buffered") == "1");
  put(store, tree, "more", "1");
  CHECK(store.statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: a reader of another process that was killed keeps no pages") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.map_bytes = 4 << 20});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "k", "v");
  // Another program, such as mdb_dump, reads the store while it is used, and dies.
  Sleeper other([&] {
    MDB_env* environment = nullptr;
    MDB_txn* transaction = nullptr;
    const bool good = mdb_env_create(&environment) == 0 &&
                      mdb_env_open(environment, temp.path().c_str(), MDB_RDONLY, 0) == 0 &&
                      mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction) == 0;
    if (!good) ::_exit(1);
    return transaction;
  });
  put(store, tree, "k", "w");
  CHECK(store.statistics().oldest_reader_lag == 1);
  other.kill();
  // What is held of the newest state keeps the map from growing, and no page that has been freed:
  // those that the dead reader kept must be had back.
  auto held = store.get(tree, "k");
  for (int i = 0; i < 200; ++i) {
    WriteBatch batch;
    batch.put(tree, "k", std::string(100'000, 'x'));
    REQUIRE_NOTHROW(store.write(batch, Durability::buffered));
    held = store.get(tree, "k");
  }
  CHECK(store.statistics().map_growths == 0);
}

TEST_CASE("LmdbAdapter: a child of fork is refused everything, and the parent is unharmed") {
  const TempDirectory temp;
  auto store = std::make_unique<LmdbAdapter>(temp.path());
  const Tree tree = store->open_tree("tree");
  put(*store, tree, "a", "1");
  put(*store, tree, "b", "2");
  auto value = store->get(tree, "a");
  auto other_value = std::make_unique<LmdbPinned>(*store->get(tree, "b"));
  auto snapshot = std::make_unique<LmdbSnapshot>(store->snapshot());
  auto scan = std::make_unique<Scan<LmdbCursor>>(store->scan(tree, KeyRange::all()));
  CHECK(read(*store, tree, "b") == "2");

  CHECK(child_succeeds([&] {
    WriteBatch batch;
    batch.put(tree, "a", "child");
    bool good = refused_in_child([&] { static_cast<void>(store->get(tree, "a")); });
    good = good && refused_in_child([&] { static_cast<void>(store->contains(tree, "a")); });
    good = good && refused_in_child([&] { static_cast<void>(store->scan(tree, KeyRange::all())); });
    good = good && refused_in_child([&] { static_cast<void>(store->snapshot()); });
    good = good && refused_in_child([&] { static_cast<void>(snapshot->get(tree, "a")); });
    good = good && refused_in_child([&] { scan->next(); });
    good = good && refused_in_child([&] { store->write(batch); });
    good = good && refused_in_child([&] { store->flush(); });
    good = good && refused_in_child([&] { static_cast<void>(store->open_tree("new")); });
    good = good && refused_in_child([&] { static_cast<void>(store->find_tree("tree")); });
    good = good && refused_in_child([&] { store->drop_tree(tree); });
    good = good && refused_in_child([&] { static_cast<void>(store->trees()); });
    good = good && refused_in_child([&] { static_cast<void>(store->bulk_loader(tree)); });
    good = good && refused_in_child([&] { store->checkpoint(temp / "copy"); });
    good = good && refused_in_child([&] { static_cast<void>(store->statistics()); });
    good = good && refused_in_child([&] { static_cast<void>(store->size_on_disk()); });
    other_value.reset();
    value.reset();
    scan.reset();
    snapshot.reset();
    store.reset();
    LmdbAdapter own(temp / "own");
    put(own, own.open_tree("tree"), "k", "child's own");
    return good && read(own, own.open_tree("tree"), "k") == "child's own";
  }));

  // The child let nothing of the parent's go: what is held still keeps its pages.
  for (int i = 0; i < 100; ++i) put(*store, tree, "a", std::to_string(i));
  CHECK(value->view() == "1");
  CHECK(read(*snapshot, tree, "a") == "1");
  CHECK(scan->entry() == Entry{"a", "1"});
  CHECK(store->statistics().oldest_reader_lag == 100);
  CHECK_THROWS_AS(LmdbAdapter(temp.path()), Error);
  value.reset();
  scan.reset();
  snapshot.reset();
  other_value.reset();
  CHECK(store->statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: a child of fork that lives on does not keep the store") {
  const TempDirectory temp;
  auto store = std::make_unique<LmdbAdapter>(temp.path());
  const Sleeper child([] { return 0; });
  store.reset();
  CHECK_NOTHROW(LmdbAdapter(temp.path()));
}

TEST_CASE("LmdbAdapter: a process with little address space gets a smaller map") {
  if (VARVE_SANITIZED) return;
  const TempDirectory temp;
  CHECK(child_succeeds([&] {
    const rlimit little{std::uint64_t{2} << 30U, std::uint64_t{2} << 30U};
    if (::setrlimit(RLIMIT_AS, &little) != 0) return false;
    LmdbAdapter store(temp.path());
    const Tree tree = store.open_tree("tree");
    put(store, tree, "k", "v");
    return read(store, tree, "k") == "v" && store.statistics().map_bytes < (1U << 31U);
  }));
}

TEST_CASE("LmdbAdapter: a full disk is no_space, and the store goes on") {
  const TempDirectory temp;
  CHECK(child_succeeds([&] {
    LmdbAdapter store(temp.path());
    const Tree tree = store.open_tree("tree");
    put(store, tree, "k", "v");
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit old{RLIM_INFINITY, RLIM_INFINITY};
    const rlimit small{200'000, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return false;
    bool refused = false;
    try {
      put(store, tree, "large", std::string(1'000'000, 'x'));
    } catch (const Error& error) {
      refused = error.kind() == ErrorKind::no_space;
    }
    put(store, tree, "k", "w");
    if (!refused || store.contains(tree, "large") || read(store, tree, "k") != "w") return false;
    if (::setrlimit(RLIMIT_FSIZE, &old) != 0) return false;
    put(store, tree, "large", std::string(1'000'000, 'x'));
    return store.contains(tree, "large");
  }));
}

TEST_CASE("LmdbAdapter: after a sync that failed it answers reads and refuses writes") {
  const TempDirectory temp;
  CHECK(child_succeeds([&] {
    LmdbAdapter store(temp.path());
    const Tree tree = store.open_tree("tree");
    put(store, tree, "k", "v");
    int descriptor = -1;
    int ends[2] = {};
    // A pipe cannot be synced, nor written at a place.
    if (mdb_env_get_fd(store.environment(), &descriptor) != 0 || ::pipe(ends) != 0) return false;
    if (::dup2(ends[1], descriptor) != descriptor) return false;
    bool failed = false;
    try {
      store.flush();
    } catch (const Error& error) {
      failed = error.kind() != ErrorKind::poisoned;
    }
    bool poisoned = false;
    try {
      put(store, tree, "k", "w");
    } catch (const Error& error) {
      poisoned = error.kind() == ErrorKind::poisoned && !error.retryable();
    }
    return failed && poisoned && read(store, tree, "k") == "v";
  }));
}

#if defined(__linux__)
TEST_CASE("LmdbAdapter: without membarrier reads are reset when they are given back") {
  const TempDirectory temp;
  CHECK(child_succeeds([&] {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{4, program};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return false;
    LmdbAdapter store(temp.path());
    const Tree tree = store.open_tree("tree");
    put(store, tree, "k", "v");
    bool good = read(store, tree, "k") == "v";
    put(store, tree, "k", "w");
    good = good && store.statistics().oldest_reader_lag == 0;
    const auto held = store.get(tree, "k");
    put(store, tree, "k", "x");
    good = good && store.statistics().oldest_reader_lag == 1 && held->view() == "w";
    return good && read(store, tree, "k") == "x";
  }));
}
#endif
