// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/disk/bytes.hpp>
#include <varve/testing/disk/crash_shape.hpp>
#include <varve/testing/model/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// A file of a simulated disk: what a program sees, what is on disk, and between the two the
/// extents that were written and not synced, in order.
class DiskFile {
 public:
  [[nodiscard]] const DiskBytes& now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return now_.hash(); }
  [[nodiscard]] bool clean() const noexcept { return pending_.empty() && sizes_.empty(); }

  void write(std::uint64_t offset, BytesView bytes) {
    now_.write(offset, bytes);
    const bool zeros = DiskBytes::is_zero(bytes);
    pending_.push_back({offset, bytes.size(),
                        zeros ? nullptr : std::make_shared<const std::string>(bytes), 0, false});
    sizes_.push_back(now_.size());
  }

  /// Cutting is like a write of zeros over what is cut: it may be on disk in part.
  void truncate(std::uint64_t size) {
    if (size < now_.size()) {
      pending_.push_back({size, std::max(now_.size(), on_disk_.size()) - size, nullptr, 0, false});
    }
    now_.resize(size);
    sizes_.push_back(size);
  }

  /// Everything that was written since the last sync is on disk, but not what a failed sync lost.
  void sync() {
    const bool lost = std::any_of(pending_.begin(), pending_.end(),
                                  [](const Extent& extent) { return extent.lost; });
    sizes_.clear();
    if (!lost) {
      on_disk_ = now_;
      pending_.clear();
      return;
    }
    on_disk_.resize(now_.size());
    std::vector<Extent> pending = std::exchange(pending_, {});
    for (Extent& extent : pending) {
      if (extent.lost) {
        pending_.push_back(std::move(extent));
      } else {
        put_on_disk(extent);
      }
    }
    on_disk_.resize(now_.size());
  }

  /// The pages count as clean from now on: no later sync writes them. Each may be on disk or not.
  void lose() noexcept {
    for (Extent& extent : pending_) extent.lost = true;
  }

  /// The last write is on disk: its bytes and as much of the size as they need.
  void last_write_through() {
    const Extent extent = pending_.back();
    pending_.pop_back();
    put_on_disk(extent);
    const std::uint64_t end = extent.offset + extent.size;
    std::erase_if(sizes_, [&](std::uint64_t size) { return size < end; });
    if (pending_.empty() && std::all_of(sizes_.begin(), sizes_.end(), [&](std::uint64_t size) {
          return size == on_disk_.size();
        })) {
      sizes_.clear();
    }
  }

  /// The last write failed and may be on disk or not.
  void lose_last_write() noexcept { pending_.back().lost = true; }

  [[nodiscard]] DiskFile after_crash(const CrashShape& shape, Random& random) const {
    DiskFile file;
    file.on_disk_ = on_disk_;
    if (!clean()) {
      const std::uint64_t size = size_after(shape, random);
      file.tear(*this, shape, random, size);
      file.on_disk_.resize(size);
    }
    file.now_ = file.on_disk_;
    return file;
  }

 private:
  struct Extent {
    std::uint64_t offset;
    std::uint64_t size;
    std::shared_ptr<const std::string> bytes;  ///< null: zeros
    std::size_t from;                          ///< where in `bytes` it begins
    bool lost;

    [[nodiscard]] std::uint64_t end() const noexcept { return offset + size; }
    [[nodiscard]] Extent part(std::uint64_t first, std::uint64_t last) const {
      return {first, last - first, bytes, from + static_cast<std::size_t>(first - offset), lost};
    }
    [[nodiscard]] BytesView view() const noexcept {
      return BytesView(*bytes).substr(from, static_cast<std::size_t>(size));
    }
  };

  static void put(DiskBytes& to, const Extent& extent) {
    if (extent.bytes) {
      to.write(extent.offset, extent.view());
    } else {
      to.write_zeros(extent.offset, extent.size);
    }
  }

  /// Nothing older can come over what is on disk.
  void put_on_disk(const Extent& extent) {
    put(on_disk_, extent);
    std::vector<Extent> rest;
    rest.reserve(pending_.size());
    for (const Extent& old : pending_) {
      if (old.end() <= extent.offset || old.offset >= extent.end()) {
        rest.push_back(old);
        continue;
      }
      if (old.offset < extent.offset) rest.push_back(old.part(old.offset, extent.offset));
      if (old.end() > extent.end()) rest.push_back(old.part(extent.end(), old.end()));
    }
    pending_ = std::move(rest);
  }

  [[nodiscard]] std::uint64_t size_after(const CrashShape& shape, Random& random) const {
    if (sizes_.empty() || shape.size == CrashShape::Size::old) return on_disk_.size();
    if (shape.size == CrashShape::Size::grown) return sizes_.back();
    const std::uint32_t choice = random.below(static_cast<std::uint32_t>(sizes_.size()) + 1);
    return choice == 0 ? on_disk_.size() : sizes_[choice - 1];
  }

  void tear(const DiskFile& before, const CrashShape& shape, Random& random, std::uint64_t size) {
    const std::vector<Extent>& pending = before.pending_;
    if (pending.empty()) return;
    const std::uint64_t old_size = before.on_disk_.size();
    const auto chosen = random.below(static_cast<std::uint32_t>(pending.size()));
    for (std::uint32_t i = 0; i < pending.size(); ++i) {
      if (pending[i].offset >= size) continue;
      const Extent extent = pending[i].part(pending[i].offset, std::min(pending[i].end(), size));
      switch (shape.data) {
        case CrashShape::Data::none: leave_out(extent, shape.hole, random, old_size); break;
        case CrashShape::Data::all: put(on_disk_, extent); break;
        case CrashShape::Data::first_ones:
          if (i < chosen) put(on_disk_, extent);
          if (i == chosen) cut(extent, shape, random, old_size);
          break;
        case CrashShape::Data::all_but_one:
          if (i != chosen) put(on_disk_, extent);
          break;
        case CrashShape::Data::some: scatter(extent, shape, random, old_size); break;
      }
    }
  }

  /// Only the first pieces of a write are there.
  void cut(const Extent& extent, const CrashShape& shape, Random& random, std::uint64_t old_size) {
    const std::uint64_t piece = shape.piece_bytes == 0 ? extent.size : shape.piece_bytes;
    const std::uint64_t pieces = extent.size / piece + 1;
    const std::uint64_t end =
        std::min(extent.end(), (extent.offset / piece + random.next() % (pieces + 1)) * piece);
    const std::uint64_t at = std::max(end, extent.offset);
    if (at > extent.offset) put(on_disk_, extent.part(extent.offset, at));
    if (at < extent.end()) leave_out(extent.part(at, extent.end()), shape.hole, random, old_size);
  }

  /// Any of its pieces are there. Runs of them share a fate, so that long writes are torn in few
  /// places as well as in many.
  void scatter(const Extent& extent, const CrashShape& shape, Random& random,
               std::uint64_t old_size) {
    if (shape.piece_bytes == 0) {
      if (random.one_in(2)) put(on_disk_, extent);
      return;
    }
    const std::uint64_t piece = shape.piece_bytes;
    const std::uint32_t longest = 1U << random.below(6);
    for (std::uint64_t at = extent.offset; at < extent.end();) {
      const std::uint64_t run = piece * (1 + random.below(longest));
      const std::uint64_t end = std::min(extent.end(), (at / piece) * piece + run);
      if (random.one_in(2)) {
        put(on_disk_, extent.part(at, end));
      } else {
        leave_out(extent.part(at, end), shape.hole, random, old_size);
      }
      at = end;
    }
  }

  /// A piece that was not written. Where the file was on disk already, only bytes that the write
  /// would have changed can be other than they were.
  void leave_out(const Extent& extent, CrashShape::Hole hole, Random& random,
                 std::uint64_t old_size) {
    using Hole = CrashShape::Hole;
    if (hole == Hole::any) hole = static_cast<Hole>(random.below(3));
    if (hole == Hole::old) return;
    std::string bytes(static_cast<std::size_t>(extent.size), '\0');
    static_cast<void>(on_disk_.read(extent.offset, bytes));
    std::uint64_t drawn = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i % 8 == 0 && hole == Hole::garbage) drawn = random.next();
      const char written = extent.bytes ? extent.view()[i] : '\0';
      if (extent.offset + i < old_size && bytes[i] == written) continue;
      bytes[i] = static_cast<char>(drawn >> (8 * (i % 8)));
    }
    on_disk_.write(extent.offset, bytes);
  }

  DiskBytes now_;
  DiskBytes on_disk_;
  std::vector<Extent> pending_;
  std::vector<std::uint64_t> sizes_;  ///< that the file had since the last sync
};

}  // namespace varve::testing::detail
