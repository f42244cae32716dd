// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/testing/disk_fault.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

/// An operation that a traced file system did.
struct TracedOperation {
  DiskOperation operation{};
  std::string path;
  std::string to{};  ///< of a rename
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

namespace detail {

/// What was done to the files of a file system, and what of it is not on disk yet.
class FileTrace {
 public:
  using Watches = std::function<bool(BytesView path)>;

  void watch_only(Watches watches) {
    const std::lock_guard guard(mutex_);
    watches_ = std::move(watches);
  }

  void did(const TracedOperation& done) {
    const std::lock_guard guard(mutex_);
    note(done);
    operations_.push_back(done);
  }

  /// Before it is done, so that a file can still be told from its replacement.
  void removes(const std::string& path) {
    const std::lock_guard guard(mutex_);
    if (watched(path) && unsynced_names_.contains(above(path))) {
      breach("'" + path + "' is removed before the directory is synced that has its replacement");
    }
  }

  void acknowledged() {
    const std::lock_guard guard(mutex_);
    for (const auto& [path, number] : unsynced_files_) {
      breach(number < last_write_ ? "a write is acknowledged in a new file while the old one, '" +
                                        path + "', is not synced"
                                  : "a write is acknowledged before '" + path + "' is synced");
    }
    for (const std::string& path : unsynced_entries_) {
      breach("a write is acknowledged in '" + path + "' before its directory is synced");
    }
  }

  [[nodiscard]] std::vector<TracedOperation> operations() const {
    const std::lock_guard guard(mutex_);
    return operations_;
  }
  [[nodiscard]] std::vector<std::string> breaches() const {
    const std::lock_guard guard(mutex_);
    return breaches_;
  }

 private:
  [[nodiscard]] static std::string above(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
  }

  [[nodiscard]] bool watched(const std::string& path) const { return !watches_ || watches_(path); }

  void breach(const std::string& words) {
    breaches_.push_back(words + " (after operation " + std::to_string(operations_.size()) + ")");
  }

  void name_added(const std::string& path) {
    unsynced_names_.insert(above(path));
    if (watched(path)) unsynced_entries_.insert(path);
  }

  void note(const TracedOperation& done) {
    switch (done.operation) {
      case DiskOperation::create: name_added(done.path); break;
      case DiskOperation::write:
      case DiskOperation::truncate:
        if (!watched(done.path)) break;
        last_write_ = operations_.size();
        unsynced_files_[done.path] = last_write_;
        break;
      case DiskOperation::sync: unsynced_files_.erase(done.path); break;
      case DiskOperation::rename:
        if (unsynced_files_.erase(done.path) != 0) {
          breach("'" + done.path + "' is renamed to '" + done.to + "' before it is synced");
        }
        unsynced_entries_.erase(done.path);
        name_added(done.to);
        break;
      case DiskOperation::remove:
        unsynced_entries_.erase(done.path);
        unsynced_files_.erase(done.path);
        break;
      case DiskOperation::sync_directory:
        unsynced_names_.erase(done.path);
        std::erase_if(unsynced_entries_,
                      [&](const std::string& path) { return above(path) == done.path; });
        break;
      default: break;
    }
  }

  mutable std::mutex mutex_;
  Watches watches_;
  std::vector<TracedOperation> operations_;
  std::vector<std::string> breaches_;
  std::map<std::string, std::size_t> unsynced_files_;  ///< and when they were last written
  std::set<std::string> unsynced_entries_;
  std::set<std::string> unsynced_names_;  ///< directories
  std::size_t last_write_ = 0;
};

}  // namespace detail

/// An open file of a traced file system. Models `FileHandle`.
template <FileHandle File>
class TracedFile {
 public:
  TracedFile(File file, std::shared_ptr<detail::FileTrace> trace, std::string path)
      : file_(std::move(file)), trace_(std::move(trace)), path_(std::move(path)) {}

  void write_at(std::uint64_t offset, BytesView bytes) {
    file_.write_at(offset, bytes);
    trace_->did({DiskOperation::write, path_, {}, offset, bytes.size()});
  }
  void write_through(std::uint64_t offset, BytesView bytes) {
    file_.write_through(offset, bytes);
    trace_->did({DiskOperation::write_through, path_, {}, offset, bytes.size()});
  }
  [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> buffer) const {
    return file_.read_at(offset, buffer);
  }
  void sync() {
    file_.sync();
    trace_->did({.operation = DiskOperation::sync, .path = path_});
  }
  void truncate(std::uint64_t size) {
    file_.truncate(size);
    trace_->did({DiskOperation::truncate, path_, {}, 0, size});
  }
  [[nodiscard]] std::uint64_t size() const { return file_.size(); }

 private:
  File file_;
  std::shared_ptr<detail::FileTrace> trace_;
  std::string path_;
};

/// Writes down what is done to the file system below it, and looks to the order: nothing is
/// acknowledged before it is synced, in its own file, in the one before, and in the directory;
/// nothing is renamed before it is synced; nothing is removed before the directory is synced that
/// has its replacement. Models `FileSystem`; copies share one trace.
///
/// The test calls `acknowledged()` when a durable write has returned, and reads `breaches()`. Files
/// that may be unsynced then, a spare made beforehand, say, are left out by `watch_only`.
///
/// Threads  as `FS`.
template <FileSystem FS>
class TracingFileSystem {
  using BelowFile = decltype(std::declval<FS&>().open(BytesView{}, OpenMode::read));

 public:
  TracingFileSystem() = default;
  explicit TracingFileSystem(FS below) : below_(std::move(below)) {}

  [[nodiscard]] TracedFile<BelowFile> open(BytesView path, OpenMode mode) {
    TracedFile<BelowFile> file(below_.open(path, mode), trace_, std::string(path));
    if (mode == OpenMode::create) did(DiskOperation::create, path);
    return file;
  }
  [[nodiscard]] bool exists(BytesView path) { return below_.exists(path); }
  void rename(BytesView from, BytesView to) {
    below_.rename(from, to);
    trace_->did({DiskOperation::rename, std::string(from), std::string(to)});
  }
  void remove(BytesView path) {
    trace_->removes(std::string(path));
    below_.remove(path);
    did(DiskOperation::remove, path);
  }
  void create_directory(BytesView path) {
    below_.create_directory(path);
    did(DiskOperation::create_directory, path);
  }
  void sync_directory(BytesView path) {
    below_.sync_directory(path);
    did(DiskOperation::sync_directory, path);
  }
  [[nodiscard]] std::vector<std::string> list(BytesView path) { return below_.list(path); }
  [[nodiscard]] std::uint64_t free_bytes(BytesView path) { return below_.free_bytes(path); }
  [[nodiscard]] auto lock(BytesView path) { return below_.lock(path); }

  [[nodiscard]] FS& below() noexcept { return below_; }

  /// A durable write has returned: what it rests on must be on disk.
  void acknowledged() { trace_->acknowledged(); }

  /// Leaves out of the rules the files for whose path `watches` is false.
  void watch_only(std::function<bool(BytesView path)> watches) {
    trace_->watch_only(std::move(watches));
  }

  [[nodiscard]] std::vector<TracedOperation> operations() const { return trace_->operations(); }

  /// Each rule that was broken, in a sentence.
  [[nodiscard]] std::vector<std::string> breaches() const { return trace_->breaches(); }

 private:
  void did(DiskOperation operation, BytesView path) {
    trace_->did({.operation = operation, .path = std::string(path)});
  }

  FS below_;
  std::shared_ptr<detail::FileTrace> trace_ = std::make_shared<detail::FileTrace>();
};

}  // namespace varve::testing
