// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/testing/disk/simulated_disk.hpp>
#include <varve/testing/disk_fault.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

/// An open file of a simulated disk. Models `FileHandle`.
class SimulatedFile {
 public:
  SimulatedFile(std::shared_ptr<detail::SimulatedDisk> disk, detail::Disk::Node node,
                bool writable) noexcept
      : disk_(std::move(disk)), node_(node), writable_(writable) {}

  SimulatedFile(SimulatedFile&&) noexcept = default;
  SimulatedFile& operator=(SimulatedFile&&) noexcept = default;

  void write_at(std::uint64_t offset, BytesView bytes) {
    check_writable("write");
    if (!bytes.empty()) disk_->write(node_, offset, bytes, DiskOperation::write);
  }
  void write_through(std::uint64_t offset, BytesView bytes) {
    check_writable("write_through");
    if (!bytes.empty()) disk_->write(node_, offset, bytes, DiskOperation::write_through);
  }
  [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> buffer) const {
    return disk_->read(node_, offset, buffer);
  }
  void sync() { disk_->sync(node_); }
  void truncate(std::uint64_t size) {
    check_writable("truncate");
    disk_->truncate(node_, size);
  }
  [[nodiscard]] std::uint64_t size() const { return disk_->size(node_); }

 private:
  void check_writable(const char* operation) const {
    if (!writable_) detail::refuse(ErrorKind::io, operation, "an open file", "opened to be read");
  }

  std::shared_ptr<detail::SimulatedDisk> disk_;
  detail::Disk::Node node_;
  bool writable_;
};

/// A disk in memory that forgets at a crash what was not synced, and worse. Models `FileSystem`: a
/// handle on one disk, which copies share. docs/guide/crash-testing.md.
///
/// What is written is on disk when it was synced, and a name when its directory was. A crash leaves
/// of the rest what a `CrashShape` says: none, all, some, in any order, torn in pieces of 8, 512 or
/// 4096 bytes, with old bytes, zeros or garbage in between, the file grown or not. A failed sync of
/// a file leaves its writes "clean": no later one puts them on disk.
///
/// Threads  any number, one operation at a time. The same operations in the same order give the
///          same disk.
class SimulatedFileSystem {
 public:
  /// An empty disk.
  SimulatedFileSystem() : disk_(std::make_shared<detail::SimulatedDisk>()) {}

  [[nodiscard]] SimulatedFile open(BytesView path, OpenMode mode) {
    return SimulatedFile(disk_, disk_->open(path, mode), mode != OpenMode::read);
  }
  [[nodiscard]] bool exists(BytesView path) { return disk_->exists(path); }
  void rename(BytesView from, BytesView to) { disk_->rename(from, to); }
  void remove(BytesView path) { disk_->remove(path); }
  void create_directory(BytesView path) { disk_->create_directory(path); }
  void sync_directory(BytesView path) { disk_->sync_directory(path); }
  [[nodiscard]] std::vector<std::string> list(BytesView path) { return disk_->list(path); }
  [[nodiscard]] std::uint64_t free_bytes(BytesView /*path*/) { return disk_->free_bytes(); }

  /// Holds a file of the disk while it lives.
  class Lock {
   public:
    Lock(std::shared_ptr<detail::SimulatedDisk> disk, detail::Disk::Node node) noexcept
        : disk_(std::move(disk)), node_(node) {}
    Lock(Lock&&) noexcept = default;
    Lock& operator=(Lock&& other) noexcept {
      std::swap(disk_, other.disk_);
      std::swap(node_, other.node_);
      return *this;
    }
    ~Lock() {
      if (disk_) disk_->unlock(node_);
    }

   private:
    std::shared_ptr<detail::SimulatedDisk> disk_;
    detail::Disk::Node node_;
  };

  [[nodiscard]] Lock lock(BytesView path) { return Lock(disk_, disk_->lock(path)); }

  // What a test does to the disk.

  /// The number of operations that changed the disk, or tried to.
  [[nodiscard]] std::uint64_t operations() const { return disk_->faults().count(); }
  [[nodiscard]] std::uint64_t operations(DiskOperation kind) const {
    return disk_->faults().count(kind);
  }

  void fail(DiskFault fault) { disk_->faults().plan(fault); }

  /// Forgets the faults that are planned.
  void heal() { disk_->faults().heal(); }

  /// The disk is full when its files have so many bytes. A write is done as far as there is room.
  void set_capacity(std::uint64_t bytes) { disk_->set_capacity(bytes); }

  /// The power goes in the middle of operation number `operation`, counted from 1. It and all after
  /// it throw `SimulatedCrash`, which is no `Error`, or an `Error` of kind `io` where `quietly` is
  /// set; `after_crash` gives the disk that is left.
  void crash_at(std::uint64_t operation, bool quietly = false) {
    disk_->crash_at(operation, quietly);
  }

  /// A disk of its own, as it could be found if the power went now. Nothing is locked or planned on
  /// it.
  [[nodiscard]] SimulatedFileSystem after_crash(const CrashShape& shape) const {
    return SimulatedFileSystem(
        disk_->look([&](const detail::Disk& disk) { return disk.after_crash(shape); }));
  }

  /// The same when only the program died: everything is there, and what was not synced is still
  /// to be lost.
  [[nodiscard]] SimulatedFileSystem after_kill() const {
    return SimulatedFileSystem(disk_->look([](const detail::Disk& disk) { return disk; }));
  }

  /// Whether everything is synced, so that a crash would leave one state only.
  [[nodiscard]] bool clean() const {
    return disk_->look([](const detail::Disk& disk) { return disk.clean(); });
  }

  /// Of the names and bytes that a program sees.
  [[nodiscard]] std::uint64_t hash() const {
    return disk_->look([](const detail::Disk& disk) { return disk.hash(); });
  }

  /// Called within each operation that changes the disk, where the change is made and not yet on
  /// disk: `after_crash` then gives a crash inside the operation. An empty function ends it.
  void watch(std::function<void(DiskOperation)> watcher) { disk_->watch(std::move(watcher)); }

 private:
  explicit SimulatedFileSystem(detail::Disk&& image)
      : disk_(std::make_shared<detail::SimulatedDisk>(std::move(image))) {}

  std::shared_ptr<detail::SimulatedDisk> disk_;
};

}  // namespace varve::testing
