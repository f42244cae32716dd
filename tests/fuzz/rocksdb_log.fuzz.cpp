// SPDX-License-Identifier: Apache-2.0
// The check of RocksDB's own log, which finds what RocksDB takes for its end.
#include <varve/adapters/rocksdb/log_check.hpp>

#include "fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

void fuzz(varve::BytesView input) {
  static const int file = ::memfd_create("log", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  varve_test::expect(::ftruncate(file, 0) == 0, "a file in memory can be cut");
  const auto size = static_cast<ssize_t>(input.size());
  varve_test::expect(::pwrite(file, input.data(), input.size(), 0) == size, "and written");
  varve::detail::rocks::LogCheck::run(path);
}
