// SPDX-License-Identifier: Apache-2.0
// Durable commits of one record of 128 bytes, by 1 to 64 threads that each wait for their own:
// Wal over engines, beside the engines' own logs and the disk's own serial limit.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

namespace {

using namespace varve;

class Directory {
 public:
  explicit Directory(const std::string& name) : path_("varve-wal-bench." + name) {
    std::filesystem::remove_all(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A store that all threads of a benchmark share. The first of them makes it and the last ends it.
template <class Stack>
struct Shared {
  Directory directory{std::string(BytesView(Stack::name)) + "." +
                      std::string(BytesView(lowest_t<Stack>::name))};
  Stack store = open<Stack>(directory.path());
  Tree tree = store.open_tree("rows");

  static inline std::unique_ptr<Shared> now;
};

template <class Stack>
void commit(benchmark::State& state) {
  if (state.thread_index() == 0) Shared<Stack>::now = std::make_unique<Shared<Stack>>();
  std::uint64_t number = static_cast<std::uint64_t>(state.thread_index()) << 40U;
  const std::string value(112, 'v');
  for (auto _ : state) {
    char key[16];
    std::memcpy(key, &number, 8);
    std::memcpy(key + 8, &number, 8);
    ++number;
    auto& shared = *Shared<Stack>::now;
    WriteBatch batch;
    batch.put(shared.tree, BytesView(key, sizeof key), value);
    shared.store.write(batch, Durability::synced);
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) Shared<Stack>::now.reset();
}

/// One block of 4 KiB after another onto zeros that are on disk, past the page cache.
void disk_limit(benchmark::State& state) {
  constexpr std::size_t block = 4096;
  constexpr std::size_t blocks = 4096;
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  const std::unique_ptr<char, Free> bytes(static_cast<char*>(std::aligned_alloc(block, block)));
  std::memset(bytes.get(), 0, block);
  const char* const path = "varve-wal-bench.disk";
  const int file = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
  bool good = file >= 0;
  for (std::size_t i = 0; good && i < blocks; ++i) {
    good = ::write(file, bytes.get(), block) == static_cast<ssize_t>(block);
  }
  good = good && ::fsync(file) == 0;
  ::close(file);
  const int through = ::open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
  std::memset(bytes.get(), 'v', block);
  std::size_t at = 0;
  for (auto _ : state) {
    const off_t offset = static_cast<off_t>(at++ % blocks * block);
    good = good && ::pwrite(through, bytes.get(), block, offset) == static_cast<ssize_t>(block);
  }
  ::close(through);
  ::unlink(path);
  if (!good) state.SkipWithError("the file system has no O_DIRECT");
  state.SetItemsProcessed(state.iterations());
}

template <class Stack>
void add(const char* candidate, int threads) {
  const std::string name = "3/durable_commit_t" + std::to_string(threads) + "/" + candidate;
  benchmark::RegisterBenchmark(name.c_str(), commit<Stack>)->Threads(threads)->UseRealTime();
}

const bool registered = [] {
  for (const int threads : {1, 4, 16, 64}) {
    add<Wal<RocksAdapter>>("varve_wal_rocksdb", threads);
    add<Wal<MemoryAdapter>>("varve_wal_memory", threads);
    add<RocksAdapter>("rocksdb", threads);
    add<LmdbAdapter>("lmdb", threads);
    const std::string name = "3/durable_commit_t" + std::to_string(threads) + "/disk";
    benchmark::RegisterBenchmark(name.c_str(), disk_limit)->UseRealTime();
  }
  return true;
}();

}  // namespace
