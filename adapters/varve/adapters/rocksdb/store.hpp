// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/change_gate.hpp>
#include <varve/adapters/rocksdb/engine_options.hpp>
#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/files.hpp>
#include <varve/adapters/rocksdb/log_check.hpp>
#include <varve/adapters/rocksdb/options.hpp>
#include <varve/adapters/rocksdb/tree_table.hpp>
#include <varve/adapters/rocksdb/version.hpp>
#include <varve/adapters/support/directory_lock.hpp>
#include <varve/adapters/support/fork_guard.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/concepts/limits.hpp>

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::rocks {

/// RocksDB's maintainers name 8 MB and 3 GB as the largest sensible key and value; a key and its
/// value must fit into 4 GiB together, which RocksDB does not check.
inline constexpr Limits limits{.max_key_bytes = std::uint64_t{8} << 20U,
                               .max_value_bytes = std::uint64_t{3} << 30U,
                               .max_batch_bytes = (std::uint64_t{4} << 30U) - 1,
                               .batch_atomicity = Atomicity::store};

/// The slice of a view.
[[nodiscard]] inline rocksdb::Slice slice(BytesView bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

[[nodiscard]] inline BytesView view(const rocksdb::Slice& bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

/// An open database, its trees, and whether it may still be written. What the parts of the adapter
/// share.
class Store {
 public:
  Store(std::string directory, RocksOptions options)
      : directory_(std::move(directory)), options_(std::move(options)) {
    support::make_private_directory(directory_, engine_name);
    lock_ = support::DirectoryLock(directory_, engine_name);
    engine_options_ = make_engine_options(options_);
    check_files();
    remove_directory(bulk_directory());
    open_database();
    try {
      take_in_trees();
      make_files_private(directory_);
    } catch (...) {
      close();
      throw;
    }
  }

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  ~Store() {
    if (guard_.in_child()) {
      // The parent's. Its threads are not here, and its locks are as they were at the fork.
      static_cast<void>(database_.release());
      return;
    }
    close();
  }

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string bulk_directory() const { return directory_ + "/varve.bulk"; }
  [[nodiscard]] const RocksOptions& options() const noexcept { return options_; }
  [[nodiscard]] const EngineOptions& engine_options() const noexcept { return engine_options_; }
  [[nodiscard]] const support::ForkGuard& guard() const noexcept { return guard_; }
  [[nodiscard]] rocksdb::DB& database() const noexcept { return *database_; }
  [[nodiscard]] const rocksdb::ReadOptions& read_options() const noexcept { return read_options_; }

  /// Whether scans that begin leave in the block cache what they read.
  [[nodiscard]] bool scans_fill_cache() const noexcept {
    return scans_fill_cache_.load(std::memory_order_relaxed);
  }
  /// Answers what held before.
  bool scans_fill_cache(bool fill) noexcept { return scans_fill_cache_.exchange(fill); }

  /// Changed under `trees_mutex()` only.
  [[nodiscard]] TreeTable& trees() noexcept { return trees_; }
  [[nodiscard]] const TreeTable& trees() const noexcept { return trees_; }
  [[nodiscard]] std::mutex& trees_mutex() const noexcept { return trees_mutex_; }

  [[nodiscard]] ChangeGate& changes() noexcept { return changes_; }

  /// Tells that the tree `default` was opened as one.
  [[nodiscard]] std::string default_marker() const { return directory_ + "/varve.default"; }

  void mark_default() const {
    static_cast<void>(support::open_private_file(default_marker(), engine_name));
    support::sync_directory(directory_, engine_name);
  }

  /// Makes a column family, under `trees_mutex()`.
  [[nodiscard]] TreeState& make_tree(const std::string& name) {
    handles_.reserve(handles_.size() + 1);
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    check_change(database_->CreateColumnFamily(engine_options_.family, name, &handle), "open_tree",
                 name);
    handles_.push_back(handle);
    return trees_.add(handle);
  }

  /// Drops a column family, under `trees_mutex()`.
  void drop_tree(TreeState& state) {
    const auto alone = changes_.alone();
    check_change(database_->DropColumnFamily(state.handle), "drop_tree", state.name);
    trees_.withdraw(state);
  }

  /// Gives the files that came since the last time mode 0600.
  void tidy_modes() const { make_files_private(directory_); }

  /// The column family of `tree`; throws where it is not there.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Tree tree, const char* operation) const {
    guard_.check(operation, engine_name);
    rocksdb::ColumnFamilyHandle* const found = trees_.find(tree);
    if (found == nullptr) [[unlikely]]
      refuse_tree(tree, operation);
    return found;
  }

  [[noreturn, gnu::cold, gnu::noinline]] void refuse_tree(Tree tree, const char* operation) const {
    refuse(ErrorKind::invalid_argument,
           "there is no tree #" + std::to_string(tree.number()) +
               "; it was dropped, or it is another store's. Use what open_tree or find_tree of "
               "this store returns",
           operation, trees_.name_of(tree));
  }

  /// Throws where the store may not be changed any more.
  void check_writable(const char* operation) const {
    guard_.check(operation, engine_name);
    if (poisoned_.load(std::memory_order_acquire)) [[unlikely]]
      refuse_poisoned(operation);
  }

  /// Throws where a change failed. A failure of the disk poisons the store: what RocksDB has in
  /// memory and what is on disk may differ from here on, and a sync that failed once says nothing
  /// when it succeeds the next time.
  void check_change(const rocksdb::Status& status, const char* operation,
                    const std::string& tree = {}) {
    if (!status.ok()) [[unlikely]]
      fail_change(status, operation, tree);
  }

  [[noreturn, gnu::cold, gnu::noinline]] void fail_change(const rocksdb::Status& status,
                                                          const char* operation,
                                                          const std::string& tree) {
    const ErrorKind kind = kind_of(status);
    if (kind != ErrorKind::io && kind != ErrorKind::no_space && kind != ErrorKind::corruption &&
        kind != ErrorKind::read_only) {
      fail(status, operation, tree);
    }
    poison(status.ToString());
    const bool unknown = kind == ErrorKind::io || kind == ErrorKind::read_only;
    throw error(unknown ? ErrorKind::indeterminate : kind, status, operation, tree,
                std::string(advice(kind)) +
                    ". It may or may not be there after reopening; until then the store answers "
                    "reads and refuses changes");
  }

 private:
  void poison(std::string reason) {
    const std::lock_guard lock(poison_mutex_);
    if (poisoned_.load(std::memory_order_relaxed)) return;
    poison_ = std::move(reason);
    poisoned_.store(true, std::memory_order_release);
  }

  [[noreturn, gnu::cold, gnu::noinline]] void refuse_poisoned(const char* operation) const {
    const std::lock_guard lock(poison_mutex_);
    throw Error(ErrorKind::poisoned,
                {.message = "an earlier change failed, so nothing more is written; mend the cause "
                            "and open the store again, which decides what became of that change",
                 .operation = operation,
                 .layer = std::string(engine_name),
                 .engine_text = poison_});
  }

  /// What RocksDB would take for an empty or a shorter store, and is not.
  void check_files() const {
    const bool tolerant = engine_options_.database.wal_recovery_mode ==
                          rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    const bool fresh = !exists(directory_ + "/CURRENT");
    for (const std::string& file : files_in(directory_, "open")) {
      const bool log = ends_with(file, ".log");
      if (fresh && (log || ends_with(file, ".sst"))) {
        refuse(ErrorKind::corruption,
               "'" + directory_ + "' holds '" + file +
                   "' of a RocksDB store, but not its file CURRENT; restore it from a backup, or "
                   "give an empty directory",
               "open");
      }
      const bool elsewhere = !engine_options_.database.wal_dir.empty();
      if (tolerant && log && !elsewhere) LogCheck::run(directory_ + "/" + file);
    }
    if (fresh || !tolerant) return;
    const std::string manifest = current_manifest();
    if (exists(manifest)) LogCheck::run(manifest);
    if (engine_options_.database.wal_dir.empty()) return;
    for (const std::string& file : files_in(engine_options_.database.wal_dir, "open")) {
      if (ends_with(file, ".log")) {
        LogCheck::run(engine_options_.database.wal_dir + "/" + file);
      }
    }
  }

  [[nodiscard]] std::string current_manifest() const {
    const std::string path = directory_ + "/CURRENT";
    const support::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char name[64] = {};
    const ssize_t size = file ? ::read(file.get(), name, sizeof name) : -1;
    if (size < 0) fail_on_file(errno, path, "open", "cannot be read");
    const BytesView all(name, static_cast<std::size_t>(size));
    return directory_ + "/" + std::string(all.substr(0, all.find('\n')));
  }

  void open_database() {
    std::vector<std::string> names{rocksdb::kDefaultColumnFamilyName};
    if (exists(directory_ + "/CURRENT")) {
      check(rocksdb::DB::ListColumnFamilies(engine_options_.database, directory_, &names), "open");
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, engine_options_.family);
    const rocksdb::Status status =
        rocks::open_database(engine_options_.database, directory_, families, handles_, database_);
    check(status, "open");
  }

  /// The column family `default` is in every RocksDB store. It is a tree where somebody opened it
  /// as one, which the file `varve.default` tells, or where it holds something.
  void take_in_trees() {
    for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
      TreeState& state = trees_.add(handle);
      if (handle->GetID() != 0 || exists(default_marker()) || holds_something(handle)) {
        trees_.publish(state);
      }
    }
  }

  [[nodiscard]] bool holds_something(rocksdb::ColumnFamilyHandle* handle) {
    const std::unique_ptr<rocksdb::Iterator> it(database_->NewIterator(read_options_, handle));
    it->SeekToFirst();
    check(it->status(), "open", handle->GetName());
    if (it->Valid()) mark_default();
    return it->Valid();
  }

  void close() noexcept {
    for (rocksdb::ColumnFamilyHandle* const handle : handles_) {
      static_cast<void>(database_->DestroyColumnFamilyHandle(handle));
    }
    database_.reset();
    try {
      make_files_private(directory_);
    } catch (...) {
      // They keep the mode they have, in a directory that only the owner enters.
    }
  }

  std::string directory_;
  RocksOptions options_;
  support::ForkGuard guard_;
  support::DirectoryLock lock_;
  EngineOptions engine_options_;
  rocksdb::ReadOptions read_options_;
  std::atomic<bool> scans_fill_cache_{true};
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  TreeTable trees_;
  mutable std::mutex trees_mutex_;
  ChangeGate changes_;
  std::atomic<bool> poisoned_{false};
  mutable std::mutex poison_mutex_;
  std::string poison_;
};

}  // namespace varve::detail::rocks
