// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/testing/disk/disk.hpp>
#include <varve/testing/disk/fault_schedule.hpp>
#include <varve/testing/disk_fault.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

/// Thrown by a simulated disk whose power went. No `std::exception`, so that nothing but the test
/// catches it.
struct SimulatedCrash {};

namespace detail {

[[noreturn]] inline void refuse(ErrorKind kind, const char* operation, BytesView path,
                                const char* why) {
  throw Error(kind, {.message = "the simulated disk refused '" + std::string(path) + "': " + why,
                     .operation = operation,
                     .layer = "simulated_file_system"});
}

/// A disk with what a system does around it: it checks, counts, locks, fails as planned and loses
/// power.
class SimulatedDisk {
 public:
  using Node = Disk::Node;

  SimulatedDisk() = default;
  explicit SimulatedDisk(Disk image) : image_(std::move(image)) {}

  // files

  [[nodiscard]] Node open(BytesView path, OpenMode mode) {
    const std::lock_guard guard(mutex_);
    check_power();
    const auto found = image_.find(path);
    if (mode == OpenMode::create) {
      if (found) refuse(ErrorKind::io, "open", path, "it is there already");
      return create(path, "open", false);
    }
    if (!found) refuse(ErrorKind::io, "open", path, "there is no such file");
    if (image_.is_directory(*found)) refuse(ErrorKind::io, "open", path, "it is a directory");
    return *found;
  }

  [[nodiscard]] std::size_t read(Node node, std::uint64_t offset, std::span<char> buffer) {
    const std::lock_guard guard(mutex_);
    check_power();
    if (const auto error = faults_.next(DiskOperation::read)) fail(*error, "read");
    return image_.file(node).now().read(offset, buffer);
  }

  [[nodiscard]] std::uint64_t size(Node node) {
    const std::lock_guard guard(mutex_);
    return image_.file(node).now().size();
  }

  void write(Node node, std::uint64_t offset, BytesView bytes, DiskOperation operation) {
    const std::lock_guard guard(mutex_);
    DiskFile& file = image_.file(node);
    const std::uint64_t fits = room(file, offset);
    auto error = begin(operation);
    const bool through = operation == DiskOperation::write_through;
    if (!error && bytes.size() > fits) error = ErrorKind::no_space;
    BytesView done =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), fits)));
    if (error && *error != ErrorKind::no_space && !through) done = done.substr(0, done.size() / 2);
    if (!done.empty()) file.write(offset, done);
    within(operation);
    if (error) {
      if (through && !done.empty()) file.lose_last_write();
      fail(*error, through ? "write_through" : "write");
    }
    if (through) file.last_write_through();
  }

  void truncate(Node node, std::uint64_t size) {
    const std::lock_guard guard(mutex_);
    DiskFile& file = image_.file(node);
    auto error = begin(DiskOperation::truncate);
    if (!error && size > file.now().size() && size - file.now().size() > free_bytes()) {
      error = ErrorKind::no_space;
    }
    if (!error) file.truncate(size);
    within(DiskOperation::truncate);
    if (error) fail(*error, "truncate");
  }

  void sync(Node node) {
    const std::lock_guard guard(mutex_);
    const auto error = begin(DiskOperation::sync);
    within(DiskOperation::sync);
    if (error) {
      image_.file(node).lose();
      fail(*error, "sync");
    }
    image_.file(node).sync();
  }

  // names

  [[nodiscard]] bool exists(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    return image_.find(path).has_value();
  }

  void rename(BytesView from, BytesView to) {
    const std::lock_guard guard(mutex_);
    check_power();
    const auto found = image_.find(from);
    if (!found) refuse(ErrorKind::io, "rename", from, "there is no such file");
    const Place old_place = place(from, "rename");
    const Place new_place = place(to, "rename");
    const auto replaced = image_.find(new_place.directory, new_place.name);
    if (replaced && image_.is_directory(*replaced) != image_.is_directory(*found)) {
      refuse(ErrorKind::io, "rename", to, "a file and a directory do not replace one another");
    }
    if (replaced && image_.is_directory(*replaced) && !image_.list(*replaced).empty()) {
      refuse(ErrorKind::io, "rename", to, "the directory there is not empty");
    }
    const auto error = begin(DiskOperation::rename);
    if (!error && replaced != found) {
      image_.rename(old_place.directory, old_place.name, new_place.directory, new_place.name);
    }
    within(DiskOperation::rename);
    if (error) fail(*error, "rename");
  }

  void remove(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    const auto found = image_.find(path);
    if (!found) refuse(ErrorKind::io, "remove", path, "there is no such file");
    if (image_.is_directory(*found)) refuse(ErrorKind::io, "remove", path, "it is a directory");
    const Place at = place(path, "remove");
    const auto error = begin(DiskOperation::remove);
    if (!error) image_.remove(at.directory, at.name);
    within(DiskOperation::remove);
    if (error) fail(*error, "remove");
  }

  void create_directory(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    for (std::size_t end = 0; end < path.size();) {
      end = std::min(path.find('/', end + 1), path.size());
      const BytesView above = path.substr(0, end);
      const auto found = image_.find(above);
      if (!found) {
        static_cast<void>(create(above, "create_directory", true));
      } else if (!image_.is_directory(*found)) {
        refuse(ErrorKind::io, "create_directory", above, "it is no directory");
      }
    }
  }

  void sync_directory(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    const Node node = directory(path, "sync_directory");
    const auto error = begin(DiskOperation::sync_directory);
    within(DiskOperation::sync_directory);
    if (error) fail(*error, "sync_directory");
    image_.sync_directory(node);
  }

  [[nodiscard]] std::vector<std::string> list(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    return image_.list(directory(path, "list"));
  }

  [[nodiscard]] std::uint64_t free_bytes() {
    const std::lock_guard guard(mutex_);
    const std::uint64_t used = image_.used();
    return capacity_ > used ? capacity_ - used : 0;
  }

  [[nodiscard]] Node lock(BytesView path) {
    const std::lock_guard guard(mutex_);
    check_power();
    const auto found = image_.find(path);
    const Node node = found ? *found : create(path, "lock", false);
    if (!locked_.insert(node).second) {
      refuse(ErrorKind::busy, "lock", path, "held by process 1 of the simulation; close that");
    }
    return node;
  }

  void unlock(Node node) {
    const std::lock_guard guard(mutex_);
    locked_.erase(node);
  }

  // what a test does

  /// The faults that are planned and what was counted. Not while operations run.
  [[nodiscard]] FaultSchedule& faults() noexcept { return faults_; }
  void set_capacity(std::uint64_t bytes) {
    const std::lock_guard guard(mutex_);
    capacity_ = bytes;
  }
  void crash_at(std::uint64_t operation, bool quietly) {
    const std::lock_guard guard(mutex_);
    crash_at_ = operation;
    quiet_ = quietly;
  }
  void watch(std::function<void(DiskOperation)> watcher) {
    const std::lock_guard guard(mutex_);
    watcher_ = std::move(watcher);
  }

  /// What `look` answers about the disk as it is now.
  template <class Look>
  [[nodiscard]] auto look(Look look) const {
    const std::lock_guard guard(mutex_);
    return look(image_);
  }

 private:
  struct Place {
    Node directory;
    BytesView name;
  };

  [[nodiscard]] Place place(BytesView path, const char* operation) const {
    const std::size_t slash = path.rfind('/');
    const BytesView above = slash == BytesView::npos ? BytesView{} : path.substr(0, slash);
    const BytesView name = slash == BytesView::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") {
      refuse(ErrorKind::io, operation, path, "it does not end in a name");
    }
    return {directory(above, operation), name};
  }

  [[nodiscard]] Node directory(BytesView path, const char* operation) const {
    const auto found = image_.find(path);
    if (!found) refuse(ErrorKind::io, operation, path, "there is no such directory");
    if (!image_.is_directory(*found)) refuse(ErrorKind::io, operation, path, "it is no directory");
    return *found;
  }

  Node create(BytesView path, const char* name, bool makes_directory) {
    const Place at = place(path, name);
    const auto operation =
        makes_directory ? DiskOperation::create_directory : DiskOperation::create;
    const auto error = begin(operation);
    const Node node = error ? Disk::root : image_.create(at.directory, at.name, makes_directory);
    within(operation);
    if (error) fail(*error, name);
    return node;
  }

  [[nodiscard]] std::uint64_t room(const DiskFile& file, std::uint64_t offset) {
    if (capacity_ == unlimited) return unlimited;
    const std::uint64_t size = file.now().size();
    const std::uint64_t end = size + free_bytes();
    return end > offset ? end - offset : 0;
  }

  [[nodiscard]] std::optional<ErrorKind> begin(DiskOperation operation) {
    check_power();
    return faults_.next(operation);
  }

  /// The middle of an operation: the power may go here.
  void within(DiskOperation operation) {
    if (watcher_) watcher_(operation);
    if (faults_.count() != crash_at_) return;
    dead_ = true;
    check_power();
  }

  void check_power() const {
    if (!dead_) return;
    if (!quiet_) throw SimulatedCrash{};
    throw Error(ErrorKind::io, {.message = "the simulated disk has lost its power",
                                .layer = "simulated_file_system"});
  }

  [[noreturn]] static void fail(ErrorKind kind, const char* operation) {
    throw Error(kind, {.message = "the simulated disk failed as was planned",
                       .operation = operation,
                       .layer = "simulated_file_system",
                       .engine_code = 5});
  }

  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  mutable std::recursive_mutex mutex_;
  Disk image_;
  std::set<Node> locked_;
  FaultSchedule faults_;
  std::uint64_t capacity_ = unlimited;
  std::uint64_t crash_at_ = 0;
  bool dead_ = false;
  bool quiet_ = false;
  std::function<void(DiskOperation)> watcher_;
};

}  // namespace detail

}  // namespace varve::testing
