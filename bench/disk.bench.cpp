// SPDX-License-Identifier: Apache-2.0
//
// What the disk itself takes: blocks of 1 MiB past the page cache, made durable at the end.
#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20U;
constexpr const char* path = "disk.bench.data";

struct Free {
  void operator()(char* memory) const noexcept { std::free(memory); }
};

void sequential(benchmark::State& state) {
  const std::size_t blocks = std::getenv("VARVE_BENCH_QUICK") != nullptr ? 64 : 512;
  const std::unique_ptr<char, Free> block(
      static_cast<char*>(std::aligned_alloc(4096, block_bytes)));
  std::memset(block.get(), 'v', block_bytes);
  for (auto _ : state) {
    const int file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    if (file < 0) {
      state.SkipWithError("the file system has no O_DIRECT");
      return;
    }
    bool written = true;
    for (std::size_t i = 0; i < blocks && written; ++i) {
      written = ::write(file, block.get(), block_bytes) == static_cast<ssize_t>(block_bytes);
    }
    written = ::fsync(file) == 0 && written;
    ::close(file);
    if (!written) {
      state.SkipWithError("the disk did not take the data");
      break;
    }
  }
  ::unlink(path);
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) *
                                                    blocks * block_bytes));
}

BENCHMARK(sequential)
    ->Name("5/rocksdb_bulk_load/disk")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
