// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/options.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/concepts/error.hpp>

#include <lmdb.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

namespace varve::lmdb {

/// Owns an open environment of LMDB: the files data.mdb and lock.mdb of a directory, both 0600.
class Environment {
 public:
  /// Opens what is in `directory`, or makes it. Readers that died are cleared away.
  Environment(const std::string& directory, const LmdbOptions& options) {
    check_version();
    check_options(options);
    const std::string data = directory + "/data.mdb";
    struct stat status {};
    const bool fresh = ::stat(data.c_str(), &status) != 0;
    static_cast<void>(support::open_private_file(data, engine_name));
    static_cast<void>(support::open_private_file(directory + "/lock.mdb", engine_name));
    open(directory, options);
    try {
      if (fresh) support::sync_directory(directory, engine_name);
      check(mdb_reader_check(environment_, nullptr), "open");
    } catch (...) {
      mdb_env_close(environment_);
      throw;
    }
  }

  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { mdb_env_close(environment_); }

  [[nodiscard]] MDB_env* get() const noexcept { return environment_; }

  [[nodiscard]] std::uint64_t map_bytes() const noexcept { return info().me_mapsize; }

  /// The bytes of all pages that were ever used. Reads the map.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept {
    return (std::uint64_t{info().me_last_pgno} + 1) * page_bytes();
  }

  [[nodiscard]] std::uint64_t last_transaction() const noexcept { return info().me_last_txnid; }

  /// The oldest transaction that somebody reads, in any process; `newest` where nobody reads.
  [[nodiscard]] std::uint64_t oldest_reader(std::uint64_t newest) const {
    std::uint64_t oldest = newest;
    // One line a reader: process, thread, and the transaction or "-".
    const auto look = [](const char* line, void* context) {
      unsigned long long transaction = 0;
      auto& least = *static_cast<std::uint64_t*>(context);
      if (std::sscanf(line, "%*s %*s %llu", &transaction) == 1 && transaction < least) {
        least = transaction;
      }
      return 0;
    };
    const int code = mdb_reader_list(environment_, look, &oldest);
    if (code < 0) throw engine_error(code, "statistics");
    return oldest;
  }

  [[nodiscard]] std::uint64_t page_bytes() const noexcept {
    MDB_stat stat{};
    mdb_env_stat(environment_, &stat);
    return stat.ms_psize;
  }

  /// The size of data.mdb.
  [[nodiscard]] std::uint64_t file_bytes() const {
    int descriptor = -1;
    struct stat status {};
    check(mdb_env_get_fd(environment_, &descriptor), "size_on_disk");
    if (::fstat(descriptor, &status) != 0) throw engine_error(errno, "size_on_disk");
    return static_cast<std::uint64_t>(status.st_size);
  }

  /// Whether the file cannot grow, by the disk or by the limit of the process (ulimit -f).
  [[nodiscard]] bool out_of_space() const noexcept {
    constexpr std::uint64_t next_to_nothing = 1U << 20U;
    int descriptor = -1;
    struct stat status {};
    struct statvfs file_system {};
    rlimit limit{};
    if (mdb_env_get_fd(environment_, &descriptor) != MDB_SUCCESS) return false;
    if (::fstatvfs(descriptor, &file_system) == 0 &&
        std::uint64_t{file_system.f_bavail} * file_system.f_frsize < next_to_nothing) {
      return true;
    }
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           ::fstat(descriptor, &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) + page_bytes() > limit.rlim_cur;
  }

  /// Makes the map larger, at least to `bytes` and if possible twice what it is; answers whether it
  /// did. Nobody may be reading or writing. Throws only where the old map was lost as well, after
  /// which nothing may read.
  [[nodiscard]] bool grow(std::uint64_t bytes) {
    const std::uint64_t old = map_bytes();
    std::uint64_t size = rounded(bytes > 2 * old ? bytes : 2 * old);
    // LMDB gives up the old map before it asks for the new one.
    while (size > old && !has_address_space(size)) size = old + (size - old) / 2 / unit * unit;
    if (size < bytes || size <= old) return false;
    const int code = mdb_env_set_mapsize(environment_, size);
    if (code == MDB_SUCCESS) return true;
    throw adapter_error(ErrorKind::poisoned,
                        "the memory map was lost while it grew; open the store anew", "write");
  }

 private:
  static constexpr std::uint64_t unit = 1U << 16U;  ///< a multiple of every page size
  static constexpr std::uint64_t smallest_map = 1U << 20U;

  static void check_version() {
    int major = 0;
    int minor = 0;
    int patch = 0;
    const char* const text = mdb_version(&major, &minor, &patch);
    const bool known = (major == 0 && minor == 9) || (major == 1 && minor == 0);
    if (known && major == MDB_VERSION_MAJOR && minor == MDB_VERSION_MINOR) return;
    throw adapter_error(ErrorKind::not_supported,
                        "the program was compiled for LMDB " + std::to_string(MDB_VERSION_MAJOR) +
                            "." + std::to_string(MDB_VERSION_MINOR) + " and runs with '" + text +
                            "'; build and run it with one of 0.9 or 1.0",
                        "open");
  }

  static void check_options(const LmdbOptions& options) {
    const auto refuse = [](const std::string& message) {
      throw adapter_error(ErrorKind::invalid_argument, message, "open");
    };
    if (options.max_trees < 1 || options.max_trees > 32'000) {
      refuse("LmdbOptions::max_trees is 1 to 32000");
    }
    if (options.max_readers < 1 || options.max_readers > 1'000'000) {
      refuse("LmdbOptions::max_readers is 1 to 1000000");
    }
    if (options.map_bytes > std::numeric_limits<std::size_t>::max() / 4) {
      refuse("LmdbOptions::map_bytes is larger than the address space");
    }
  }

  [[nodiscard]] static std::uint64_t rounded(std::uint64_t bytes) noexcept {
    return ((bytes > smallest_map ? bytes : smallest_map) + unit - 1) / unit * unit;
  }

  [[nodiscard]] static std::uint64_t first_map_bytes(const std::string& directory,
                                                     const LmdbOptions& options) {
    if (options.map_bytes != 0) return rounded(options.map_bytes);
    if constexpr (sizeof(std::size_t) < 8) return std::uint64_t{1} << 30U;
    std::uint64_t bytes = std::uint64_t{1} << 40U;
    struct statvfs file_system {};
    if (::statvfs(directory.c_str(), &file_system) == 0) {
      const std::uint64_t capacity =
          std::uint64_t{file_system.f_blocks} * std::uint64_t{file_system.f_frsize};
      constexpr std::uint64_t largest = std::uint64_t{1} << 46U;
      if (2 * capacity > bytes) bytes = capacity < largest / 2 ? 2 * capacity : largest;
    }
    return rounded(bytes);
  }

  [[nodiscard]] static bool has_address_space(std::uint64_t bytes) noexcept {
    void* const map =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return false;
    ::munmap(map, bytes);
    return true;
  }

  void open(const std::string& directory, const LmdbOptions& options) {
    unsigned flags = MDB_NOTLS;
    if (!options.read_ahead) flags |= MDB_NORDAHEAD;
    for (std::uint64_t bytes = first_map_bytes(directory, options);; bytes = rounded(bytes / 2)) {
      if (bytes != smallest_map && !has_address_space(bytes)) continue;
      check(mdb_env_create(&environment_), "open");
      int code = mdb_env_set_mapsize(environment_, bytes);
      if (code == MDB_SUCCESS) code = mdb_env_set_maxreaders(environment_, options.max_readers);
      // One more for the catalogue, which is open only while it is used.
      if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(environment_, options.max_trees + 1);
      if (code == MDB_SUCCESS) code = mdb_env_open(environment_, directory.c_str(), flags, 0600);
      if (code == MDB_SUCCESS) return;
      mdb_env_close(environment_);
      if (code != ENOMEM || bytes == smallest_map) {
        throw engine_error(code, "open", {},
                           code == ENOMEM ? "no address space for a memory map of the file; raise "
                                            "the limit of the process (ulimit -v)"
                                          : std::string());
      }
    }
  }

  [[nodiscard]] MDB_envinfo info() const noexcept {
    MDB_envinfo info{};
    mdb_env_info(environment_, &info);
    return info;
  }

  MDB_env* environment_ = nullptr;
};

}  // namespace varve::lmdb
