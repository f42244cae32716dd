// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/simulated_file_system.hpp>
#include <varve/wal/log_reader.hpp>
#include <varve/wal/log_writer.hpp>

#include "catch.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using Disk = testing::SimulatedFileSystem;

namespace {

constexpr std::uint64_t small_segment = 300;

std::string payload_of(std::uint64_t sequence) {
  return "payload " + std::to_string(sequence) + std::string(sequence % 40, 'x');
}

/// Entries 1 to `last`, in groups of three; all but the last group synced before.
void write_log(Disk& disk, std::uint64_t last, const LogOptions& options) {
  disk.create_directory("log");
  LogReader<Disk> reader(disk, "log", options);
  while (reader.next()) {
  }
  LogWriter<Disk> writer(disk, "log", options, reader, reader.report().last_sequence + 1);
  for (std::uint64_t at = reader.report().last_sequence + 1; at <= last; ++at) {
    writer.append(LogEntryKind::batch, at, payload_of(at));
    if (at % 3 == 0 || at == last) writer.write(Durability::synced);
  }
}

struct Read {
  std::uint64_t entries = 0;
  bool corrupt = false;
  bool wrong = false;
  LogReport report;
};

Read read_log(Disk disk, const LogOptions& options = {}) {
  Read read;
  try {
    LogReader<Disk> reader(disk, "log", options);
    while (reader.next()) {
      ++read.entries;
      read.wrong = read.wrong || reader.entry().payload != payload_of(reader.entry().sequence) ||
                   reader.entry().kind != LogEntryKind::batch;
    }
    read.report = reader.report();
  } catch (const Error& error) {
    read.corrupt = error.kind() == ErrorKind::corruption;
  }
  return read;
}

/// Without the zeros behind the last entry.
std::string bytes_of(Disk disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::read);
  std::string bytes(file.size(), '\0');
  bytes.resize(file.read_at(0, bytes));
  bytes.resize(bytes.find_last_not_of('\0') + 1);
  return bytes;
}

void replace(Disk disk, const std::string& path, const std::string& bytes) {
  auto file = disk.open(path, OpenMode::write);
  file.truncate(0);
  file.write_at(0, bytes);
}

std::vector<std::string> segments(Disk disk) {
  std::vector<std::string> paths;
  for (const auto number : detail::segment_numbers(disk.list("log"))) {
    paths.push_back("log/" + detail::segment_name(number));
  }
  return paths;
}

}  // namespace

TEST_CASE("Log: what was written is read, over reopenings and segments") {
  Disk disk;
  const LogOptions options{.segment_bytes = small_segment};
  for (const std::uint64_t last : {7U, 8U, 30U, 31U}) write_log(disk, last, options);
  const Read read = read_log(disk);
  CHECK(read.entries == 31);
  CHECK_FALSE(read.wrong);
  CHECK_FALSE(read.corrupt);
  CHECK_FALSE(read.report.torn_tail);
  CHECK(read.report.last_sequence == 31);
  CHECK(read.report.segments > 4);
}

TEST_CASE("Log: every flipped bit is an error, or costs the last group only and is reported") {
  Disk disk;
  write_log(disk, 20, {.segment_bytes = small_segment});
  const auto paths = segments(disk);
  REQUIRE(paths.size() >= 2);
  for (const std::string& path : paths) {
    const std::string good = bytes_of(disk, path);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      replace(disk, path, bad);
      const Read read = read_log(disk);
      const bool silent = !read.corrupt && read.entries == 20;
      const bool cut = !read.corrupt && read.entries >= 18 && read.report.torn_tail;
      if (read.wrong || (!read.corrupt && !cut && !silent) ||
          (silent && path != paths.back() && bit / 8 < detail::segment_head_bytes)) {
        FAIL("bit " << bit << " of " << path << " gave " << read.entries << " entries");
      }
      if (silent && bit / 8 >= detail::segment_head_bytes) {
        FAIL("bit " << bit << " of " << path << " was not seen");
      }
    }
    replace(disk, path, good);
  }
}

TEST_CASE("Log: every cut is an error, or costs entries at the end only") {
  Disk disk;
  write_log(disk, 20, {.segment_bytes = small_segment});
  const auto paths = segments(disk);
  for (const std::string& path : paths) {
    const std::string good = bytes_of(disk, path);
    for (std::size_t size = 0; size < good.size(); ++size) {
      replace(disk, path, good.substr(0, size));
      const Read read = read_log(disk);
      if (read.wrong || (path != paths.back() && !read.corrupt)) {
        FAIL("a cut of " << path << " at " << size << " gave " << read.entries << " entries");
      }
    }
    replace(disk, path, good);
  }
}

TEST_CASE("Log: a segment that is missing, foreign or in another's place is an error") {
  Disk disk;
  write_log(disk, 20, {.segment_bytes = small_segment});
  const auto paths = segments(disk);
  REQUIRE(paths.size() >= 3);
  Disk other;
  write_log(other, 20, {.segment_bytes = small_segment});
  const std::string good = bytes_of(disk, paths[1]);
  replace(disk, paths[1], bytes_of(other, paths[1]));
  CHECK(read_log(disk).corrupt);
  replace(disk, paths[1], bytes_of(disk, paths[0]));
  CHECK(read_log(disk).corrupt);
  replace(disk, paths[1], good);
  CHECK(read_log(disk).entries == 20);
  disk.remove(paths[1]);
  CHECK(read_log(disk).corrupt);
}

TEST_CASE("Log: salvaging reads what is not damaged, and says what is missing") {
  Disk disk;
  write_log(disk, 20, {.segment_bytes = small_segment});
  const auto paths = segments(disk);
  std::string bad = bytes_of(disk, paths[0]);
  bad[detail::segment_head_bytes + 40] ^= 1;
  replace(disk, paths[0], bad);
  CHECK(read_log(disk).corrupt);
  const Read read = read_log(disk, {.salvage = true});
  CHECK_FALSE(read.corrupt);
  CHECK_FALSE(read.wrong);
  CHECK(read.entries > 10);
  REQUIRE_FALSE(read.report.dropped.empty());
  CHECK(read.report.dropped.front().first == 1);
  std::uint64_t missing = 0;
  for (const auto& [first, last] : read.report.dropped) missing += last - first + 1;
  CHECK(read.entries + missing == 20);
}

TEST_CASE("Log: what was cut off never comes back") {
  Disk disk;
  write_log(disk, 6, {});
  const auto paths = segments(disk);
  const std::string whole = bytes_of(disk, paths.back());
  std::string torn = whole;
  torn[torn.size() - 1] ^= 1;
  replace(disk, paths.back(), torn);
  const Read cut = read_log(disk);
  CHECK(cut.entries == 5);
  CHECK(cut.report.torn_tail);
  CHECK(cut.report.discarded_bytes > 0);
  write_log(disk, 8, {});
  replace(disk, paths.back(), whole);
  const Read read = read_log(disk);
  CHECK(read.entries == 8);
  CHECK_FALSE(read.wrong);
}

TEST_CASE("Log: after a failure nothing is written") {
  Disk disk;
  disk.create_directory("log");
  LogReader<Disk> reader(disk, "log", {});
  CHECK_FALSE(reader.next());
  LogWriter<Disk> writer(disk, "log", {}, reader, 1);
  disk.fail({.at = disk.operations() + 1});
  writer.append(LogEntryKind::batch, 1, "one");
  CHECK_THROWS_AS(writer.write(Durability::synced), Error);
  const std::uint64_t before = disk.operations();
  CHECK_THROWS_AS(writer.append(LogEntryKind::batch, 2, "two"), Error);
  CHECK_THROWS_AS(writer.write(Durability::synced), Error);
  CHECK_THROWS_AS(writer.sync(), Error);
  CHECK(disk.operations() == before);
}

namespace {

/// Goes on with a log: entries of so many bytes in one group.
void go_on(LogWriter<Disk>& writer, std::uint64_t first, std::uint64_t last, std::size_t bytes) {
  for (std::uint64_t at = first; at <= last; ++at) {
    writer.append(LogEntryKind::batch, at,
                  std::string(bytes - detail::record_head_bytes, static_cast<char>('0' + at % 10)));
  }
  writer.write(Durability::synced);
}

LogWriter<Disk> writer_of(Disk& disk, const LogOptions& options) {
  if (!disk.exists("log")) disk.create_directory("log");
  LogReader<Disk> reader(disk, "log", options);
  while (reader.next()) {
  }
  return LogWriter<Disk>(disk, "log", options, reader, reader.report().last_sequence + 1);
}

std::size_t spares(Disk disk) {
  const auto names = disk.list("log");
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [](const auto& name) { return name.ends_with(".spare"); }));
}

void flip(Disk disk, const std::string& path, std::uint64_t at) {
  auto file = disk.open(path, OpenMode::write);
  std::string byte(1, '\0');
  REQUIRE(file.read_at(at, byte) == 1);
  byte[0] = static_cast<char>(byte[0] ^ 1);
  file.write_at(at, byte);
}

/// A file that was a segment holds entries 5 to 8 and, where they and the zeros behind them end, a
/// whole entry 9 of its earlier life, which was never acknowledged.
Disk recycled() {
  Disk disk;
  {
    auto writer = writer_of(disk, {});
    go_on(writer, 1, 3, 504);
    go_on(writer, 4, 9, 504);
  }
  flip(disk, segments(disk).back(), detail::segment_head_bytes + 3 * 504 + 100);
  auto writer = writer_of(disk, {.segment_bytes = 5000});
  writer.forget(3);
  CHECK(spares(disk) == 1);
  go_on(writer, 4, 4, 6000);
  CHECK(spares(disk) == 0);
  go_on(writer, 5, 8, 1000);
  return disk;
}

}  // namespace

TEST_CASE("Log: what a recycled file had is never read, and no torn tail") {
  Disk disk = recycled();
  const std::string whole = bytes_of(disk, segments(disk).back());
  REQUIRE(whole.size() == io_block_bytes + 504);
  REQUIRE(whole[io_block_bytes + detail::record_head_bytes] == '9');
  LogReader<Disk> reader(disk, "log", {});
  std::uint64_t last = 0;
  while (reader.next()) last = reader.entry().sequence;
  CHECK(last == 8);
  CHECK_FALSE(reader.report().torn_tail);
  CHECK(reader.report().discarded_bytes == 0);
}

TEST_CASE("Log: a torn tail of a recycled file is told from what the file had") {
  constexpr std::uint64_t last_entry = detail::segment_head_bytes + 3000;
  constexpr std::uint64_t end = last_entry + 1000;
  for (const auto& [place, bytes] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {last_entry, 0}, {last_entry + 40, 1000}, {end - 1, 1000}, {end + 7, 8}}) {
    INFO("at " << place);
    Disk disk = recycled();
    flip(disk, segments(disk).back(), place);
    LogReader<Disk> reader(disk, "log", {});
    std::uint64_t last = 0;
    while (reader.next()) last = reader.entry().sequence;
    CHECK(last == (place < end ? 7 : 8));
    CHECK(reader.report().torn_tail);
    if (bytes != 0) CHECK(reader.report().discarded_bytes == bytes);
  }
}

TEST_CASE("Log: forgotten segments are written again, no more of them than are to be kept") {
  Disk disk;
  const LogOptions options{.segment_bytes = small_segment, .spare_segments = 2};
  const auto created = [&] { return disk.operations(testing::DiskOperation::create); };
  auto writer = writer_of(disk, options);
  std::uint64_t at = 1;
  for (; at <= 10; ++at) go_on(writer, at, at, 400);
  writer.forget(at - 1);
  CHECK(spares(disk) == 2);
  const std::uint64_t before = created();
  for (; at <= 60; ++at) {
    go_on(writer, at, at, 300 + at);
    writer.forget(at - 1);
    CHECK(writer.bytes() < 100'000);
  }
  CHECK(created() <= before + 1);
  LogReader<Disk> reader(disk, "log", {});
  while (reader.next()) {
  }
  CHECK(reader.report().last_sequence == 60);
  CHECK_FALSE(reader.report().torn_tail);

  auto again = writer_of(disk, {.segment_bytes = small_segment, .spare_segments = 0});
  CHECK(spares(disk) == 0);
}

TEST_CASE("Log: an entry may stand where a block begins, behind zeros") {
  Disk disk;
  {
    auto writer = writer_of(disk, {});
    go_on(writer, 1, 1, 500);
    go_on(writer, 2, 2, 500);
  }
  const std::string path = segments(disk).back();
  const std::string bytes = bytes_of(disk, path);
  const std::size_t first_end = detail::segment_head_bytes + 500;
  const std::string moved = bytes.substr(0, first_end) +
                            std::string(io_block_bytes - first_end, '\0') + bytes.substr(first_end);
  const auto entries = [&](const std::string& content) {
    replace(disk, path, content);
    LogReader<Disk> reader(disk, "log", {});
    std::uint64_t found = 0;
    while (reader.next()) ++found;
    CHECK(reader.report().torn_tail == (found == 1));
    return found;
  };
  CHECK(entries(moved) == 2);
  std::string dirty = moved;
  dirty[first_end + 50] = 1;
  CHECK(entries(dirty) == 1);
  CHECK(entries(bytes.substr(0, first_end) + std::string(1, '\0') + bytes.substr(first_end)) == 1);
}

namespace {

/// A disk on which a byte of each file that is made below `archive/` comes out wrong.
class BadArchive : public Disk {
 public:
  using Disk::Disk;

  [[nodiscard]] auto open(BytesView path, OpenMode mode) {
    auto file = Disk::open(path, mode);
    if (!good && mode == OpenMode::read && path.starts_with("archive/") && file.size() > 100) {
      flip(*this, std::string(path), 100);
    }
    return file;
  }

  bool good = false;
};

}  // namespace

TEST_CASE("Log: a segment is let go of when its copy in the archive was read again") {
  BadArchive disk;
  const LogOptions options{.segment_bytes = small_segment, .archive_directory = "archive"};
  disk.create_directory("log");
  LogReader<BadArchive> reader(disk, "log", options);
  REQUIRE_FALSE(reader.next());
  LogWriter<BadArchive> writer(disk, "log", options, reader, 1);
  for (std::uint64_t at = 1; at <= 3; ++at) {
    writer.append(LogEntryKind::batch, at, std::string(500, 'x'));
    writer.write(Durability::synced);
  }
  const auto before = segments(disk);
  REQUIRE(before.size() == 4);
  CHECK_THROWS_AS(writer.forget(3), Error);
  CHECK(segments(disk) == before);
  CHECK(detail::segment_numbers(disk.list("archive")).empty());

  disk.good = true;
  flip(disk, before[1], 200);
  CHECK_THROWS_AS(writer.forget(3), Error);
  CHECK(segments(disk) == std::vector(before.begin() + 1, before.end()));
  flip(disk, before[1], 200);
  writer.forget(3);
  CHECK(segments(disk) == std::vector(before.begin() + 3, before.end()));
  CHECK(spares(disk) == 3);
  CHECK(disk.list("archive").size() == 3);
  LogReader<BadArchive> archived(disk, "archive", {});
  std::uint64_t last = 0;
  while (archived.next()) {
    CHECK(archived.entry().payload == std::string(500, 'x'));
    last = archived.entry().sequence;
  }
  CHECK(last == 3);
  CHECK_FALSE(archived.report().torn_tail);
}
