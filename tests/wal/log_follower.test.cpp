// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/simulated_file_system.hpp>
#include <varve/wal/log_follower.hpp>
#include <varve/wal/log_reader.hpp>
#include <varve/wal/log_writer.hpp>

#include "catch.hpp"

#include <cstdint>
#include <optional>
#include <string>

using namespace varve;
using Disk = testing::SimulatedFileSystem;
using testing::DiskOperation;

namespace {

std::string payload_of(std::uint64_t sequence) {
  const std::size_t more = sequence % 50 == 7 ? 100'000 : sequence % 40;
  return "payload " + std::to_string(sequence) + std::string(more, 'x');
}

LogWriter<Disk> writer_of(Disk& disk, const LogOptions& options, std::uint64_t skipped = 0) {
  if (!disk.exists("log")) disk.create_directory("log");
  LogReader<Disk> reader(disk, "log", options);
  while (reader.next()) {
  }
  return LogWriter<Disk>(disk, "log", options, reader, reader.report().last_sequence + 1 + skipped);
}

void write(LogWriter<Disk>& writer, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t at = first; at <= last; ++at) {
    writer.append(LogEntryKind::batch, at, payload_of(at));
    writer.write(at % 3 == 0 ? Durability::synced : Durability::buffered);
  }
}

/// Reads the entries from `first` to `last`; answers whether they are what was written.
bool reads(LogFollower<Disk>& follower, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t at = first; at <= last; ++at) {
    const auto entry = follower.next(last);
    if (!entry || entry->sequence != at || entry->payload != payload_of(at)) return false;
  }
  return !follower.next(last);
}

std::optional<ErrorKind> kind_of(auto call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("LogFollower: entries as they are written, over segments, from any one on") {
  Disk disk;
  const LogOptions options{.segment_bytes = 150'000};
  auto writer = writer_of(disk, options);
  LogFollower<Disk> follower(disk, "log", options, 1);
  CHECK_FALSE(follower.next(0));
  for (std::uint64_t at = 1; at <= 500; ++at) {
    write(writer, at, at);
    if (!reads(follower, at, at)) FAIL("the entry " << at << " is not what was written");
  }
  for (const std::uint64_t from : {1U, 2U, 7U, 8U, 250U, 499U, 500U}) {
    LogFollower<Disk> other(disk, "log", options, from);
    CHECK(reads(other, from, 500));
  }
  LogFollower<Disk> half(disk, "log", options, 10);
  CHECK(reads(half, 10, 20));
  CHECK(reads(half, 21, 500));
}

TEST_CASE("LogFollower: what the writer did not say is written is not read") {
  Disk disk;
  auto writer = writer_of(disk, {});
  write(writer, 1, 5);
  LogFollower<Disk> follower(disk, "log", {}, 1);
  CHECK(reads(follower, 1, 3));
  CHECK(reads(follower, 4, 5));
}

TEST_CASE("LogFollower: passes over numbers that were never given") {
  Disk disk;
  {
    auto writer = writer_of(disk, {});
    write(writer, 1, 5);
  }
  auto writer = writer_of(disk, {}, 10);
  write(writer, 16, 18);
  LogFollower<Disk> follower(disk, "log", {}, 4);
  CHECK(follower.next(18)->sequence == 4);
  CHECK(follower.next(18)->sequence == 5);
  CHECK(reads(follower, 16, 18));
  LogFollower<Disk> between(disk, "log", {}, 9);
  CHECK(reads(between, 16, 18));
}

TEST_CASE("LogFollower: a segment that is written again while it is read is read in the archive") {
  const bool archives = GENERATE(true, false);
  Disk disk;
  const LogOptions options{.segment_bytes = 200'000,
                           .archive_directory = archives ? "archive" : ""};
  auto writer = writer_of(disk, options);
  write(writer, 1, 200);
  LogFollower<Disk> follower(disk, "log", options, 1);
  CHECK(reads(follower, 1, 3));
  for (std::uint64_t at = 201; at <= 1000; ++at) {
    write(writer, at, at);
    if (at % 100 == 0) writer.forget(at);
  }
  if (archives) {
    CHECK(reads(follower, 4, 1000));
  } else {
    CHECK(kind_of([&] { static_cast<void>(reads(follower, 4, 1000)); }) ==
          ErrorKind::not_supported);
  }
}

TEST_CASE("LogFollower: a damaged entry is corruption") {
  Disk disk;
  {
    auto writer = writer_of(disk, {});
    write(writer, 1, 6);
  }
  auto file = disk.open("log/" + detail::segment_name(1), OpenMode::write);
  file.write_at(detail::segment_head_bytes + detail::record_head_bytes + 3, "?");
  LogFollower<Disk> follower(disk, "log", {}, 1);
  CHECK(kind_of([&] { static_cast<void>(follower.next(6)); }) == ErrorKind::corruption);
}

TEST_CASE("LogFollower: reads each byte once, not the whole log each time") {
  Disk disk;
  auto writer = writer_of(disk, {});
  LogFollower<Disk> follower(disk, "log", {}, 1);
  const std::uint64_t before = disk.operations(DiskOperation::read);
  for (std::uint64_t at = 1; at <= 1000; ++at) {
    writer.append(LogEntryKind::batch, at, "small");
    writer.write(Durability::buffered);
    CHECK(follower.next(at)->payload == "small");
  }
  CHECK(disk.operations(DiskOperation::read) - before < 1010);
}
