// SPDX-License-Identifier: Apache-2.0
// Every bit and every cut of a log of more than 100 KB, each with the one outcome that the format
// allows: refused, or cut off at that entry and reported.
#include <varve/wal/log_reader.hpp>
#include <varve/wal/log_writer.hpp>

#include "catch.hpp"
#include "held_files.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::HeldFiles;

namespace {

constexpr std::size_t stride = VARVE_SANITIZED ? 97 : 1;

constexpr std::uint64_t entries_of_life = 620;

struct Place {
  std::uint64_t sequence = 0;
  std::string path;
  std::size_t head = 0;  ///< behind the entry before, and zeros
  std::size_t end = 0;
};

/// A log, and what its writer knows of it.
struct Sample {
  HeldFiles files;
  std::vector<std::string> payloads{""};  ///< by sequence
  std::vector<std::string> paths;
  std::uint64_t first = 1;     ///< of the sequences that are there
  std::uint64_t last = 0;      ///< and the last
  std::vector<Place> places;   ///< of the entries
  std::uint64_t promised = 0;  ///< each entry up to this has another behind it that says so

  /// Each number makes another one; an even one is in files that were segments before.
  explicit Sample(std::uint64_t number) {
    const LogOptions options{.segment_bytes = 12'000, .spare_segments = 100};
    LogReader<HeldFiles> reader(files, "log", options);
    REQUIRE_FALSE(reader.next());
    LogWriter<HeldFiles> writer(files, "log", options, reader, 1);
    write(writer, number);
    if (number % 2 == 0) {
      writer.forget(last);
      write(writer, number);
    }
    for (const auto segment : detail::segment_numbers(files.list("log"))) {
      paths.push_back("log/" + detail::segment_name(segment));
    }
    first = LogReader<HeldFiles>(files, "log", options).first();
    for (const std::string& path : paths) find_entries(path);
  }

  [[nodiscard]] std::size_t end_of(const std::string& path) const {
    std::size_t end = detail::segment_head_bytes;
    for (const Place& place : places) {
      if (place.path == path) end = place.end;
    }
    return end;
  }

  /// The entry that has the byte, which is none of the head's.
  [[nodiscard]] const Place& entry_at(const std::string& path, std::size_t byte) const {
    return *std::find_if(places.begin(), places.end(), [&](const Place& place) {
      return place.path == path && place.end > byte;
    });
  }

 private:
  void write(LogWriter<HeldFiles>& writer, std::uint64_t number) {
    for (std::uint64_t count = 0; count < entries_of_life; ++count) {
      ++last;
      payloads.push_back(
          "payload " + std::to_string(last) +
          std::string((last * 37 + number * 11) % 250, static_cast<char>('a' + last % 26)));
      writer.append(LogEntryKind::batch, last, payloads.back());
      if (last % 5 != 0) continue;
      writer.write(Durability::synced);
      if (count + 1 != entries_of_life) promised = last;
    }
  }

  void find_entries(const std::string& path) {
    const std::string& file = files[path];
    for (std::size_t at = detail::segment_head_bytes; first + places.size() <= last;) {
      const std::uint64_t sequence = first + places.size();
      const std::string& payload = payloads[sequence];
      const auto stands = [&](std::size_t head) {
        const std::size_t begin = head + detail::record_head_bytes;
        return begin < file.size() && file.compare(begin, payload.size(), payload) == 0;
      };
      const std::size_t head = stands(at) ? at : (at / 4096 + 1) * 4096;
      if (!stands(head)) break;
      at = head + detail::record_head_bytes + payload.size();
      places.push_back({sequence, path, head, at});
    }
  }
};

struct Read {
  std::uint64_t last = 0;  ///< the sequence of the last entry
  bool refused = false;
  bool wrong = false;
  bool torn = false;
};

Read read_log(Sample& sample) {
  Read read;
  try {
    LogReader<HeldFiles> reader(sample.files, "log", {});
    read.last = sample.first - 1;
    while (reader.next()) {
      const LogEntry& entry = reader.entry();
      read.wrong = read.wrong || entry.sequence != ++read.last || read.last > sample.last ||
                   entry.payload != sample.payloads[entry.sequence] ||
                   entry.kind != LogEntryKind::batch;
    }
    read.torn = reader.report().torn_tail;
  } catch (const Error& error) {
    read.refused = error.kind() == ErrorKind::corruption;
    read.wrong = !read.refused;
  } catch (const std::exception&) {
    read.wrong = true;
  }
  return read;
}

struct Outcomes {
  std::uint64_t tried = 0;
  std::uint64_t refused = 0;
  std::uint64_t reported = 0;
  std::uint64_t shorter = 0;  ///< a cut between two entries: the log as it once was
  std::uint64_t silent = 0;
  std::chrono::nanoseconds slowest{};
  std::string first_silent{};
};

/// What the format allows for one damage.
struct Allowed {
  bool refusal = false;
  std::uint64_t last = 0;  ///< the last entry, where it is not refused
  bool between = false;    ///< whether nothing, or nothing but zeros, is behind the last entry
};

void try_one(Outcomes& outcomes, Sample& sample, const std::string& path, std::size_t place,
             const Allowed& allowed) {
  const auto started = std::chrono::steady_clock::now();
  const Read read = read_log(sample);
  outcomes.slowest = std::max(outcomes.slowest, std::chrono::steady_clock::now() - started);
  ++outcomes.tried;
  const bool right =
      allowed.refusal ? read.refused
                      : !read.refused && read.last == allowed.last && read.torn != allowed.between;
  if (right && !read.wrong) {
    ++(allowed.refusal ? outcomes.refused : allowed.between ? outcomes.shorter : outcomes.reported);
  } else if (outcomes.silent++ == 0) {
    outcomes.first_silent =
        path + " at " + std::to_string(place) + " gave entries to " + std::to_string(read.last);
  }
}

void print(const char* what, const Outcomes& outcomes, std::size_t bytes) {
  std::printf(
      "figures: log of %zu bytes, %s: %llu tried, %llu refused, %llu cut off and reported, %llu as "
      "it once was, %llu silent, 0 killed, 0 hung, slowest %lld us\n",
      bytes, what, static_cast<unsigned long long>(outcomes.tried),
      static_cast<unsigned long long>(outcomes.refused),
      static_cast<unsigned long long>(outcomes.reported),
      static_cast<unsigned long long>(outcomes.shorter),
      static_cast<unsigned long long>(outcomes.silent),
      static_cast<long long>(outcomes.slowest.count() / 1000));
  std::fflush(stdout);
  INFO(outcomes.first_silent);
  CHECK(outcomes.silent == 0);
  CHECK(outcomes.slowest < std::chrono::seconds(20));
}

std::size_t bytes_of(const Sample& sample) {
  std::size_t bytes = 0;
  for (const std::string& path : sample.paths) bytes += sample.end_of(path);
  return bytes;
}

void flip_each_bit(Outcomes& outcomes, Sample& sample, std::size_t step) {
  REQUIRE(sample.places.size() == sample.last - sample.first + 1);
  REQUIRE(sample.paths.size() > 3);
  REQUIRE(bytes_of(sample) > 100'000);
  const Read sound = read_log(sample);
  REQUIRE(sound.last == sample.last);
  REQUIRE_FALSE((sound.wrong || sound.torn || sound.refused));
  for (const std::string& path : sample.paths) {
    std::string& file = sample.files[path];
    const std::size_t bits = 8 * sample.end_of(path);
    for (std::size_t bit = 0; bit < bits; bit += step) {
      const std::size_t byte = bit / 8;
      const bool in_head = byte < detail::segment_head_bytes;
      const std::uint64_t sequence = in_head ? 0 : sample.entry_at(path, byte).sequence;
      const auto flip = [&] { file[byte] = static_cast<char>(file[byte] ^ (1 << (bit % 8))); };
      flip();
      try_one(outcomes, sample, path, bit,
              {.refusal = sequence <= sample.promised, .last = sequence - 1});
      flip();
    }
  }
}

void cut_at_each_byte(Outcomes& outcomes, Sample& sample, std::size_t step) {
  for (const std::string& path : sample.paths) {
    const std::string good = sample.files[path];
    const bool last = path == sample.paths.back();
    const std::size_t end = sample.end_of(path);
    for (std::size_t size = 0; size < end; size += step) {
      sample.files[path].resize(size);
      const Place& entry = sample.entry_at(path, size);
      const bool in_head = size < detail::segment_head_bytes;
      const std::size_t head = std::min(size, entry.head);
      const auto between = BytesView(good).substr(head, size - head);
      const auto is_zero = [](char byte) { return byte == 0; };
      try_one(outcomes, sample, path, size,
              {.refusal = !last,
               .last = std::max(entry.sequence, sample.first) - 1,
               .between = !in_head && std::ranges::all_of(between, is_zero)});
      sample.files[path] = good;
    }
  }
}

void damage_everywhere(std::uint64_t first, std::uint64_t last, std::size_t step) {
  Outcomes flips;
  Outcomes cuts;
  std::size_t bytes = 0;
  for (std::uint64_t number = first; number <= last; ++number) {
    Sample sample(number);
    bytes += bytes_of(sample);
    flip_each_bit(flips, sample, step);
    cut_at_each_byte(cuts, sample, step);
  }
  print("bits flipped", flips, bytes);
  print("cuts", cuts, bytes);
}

}  // namespace

TEST_CASE("Log: every bit and every cut of 100 KB is refused, or cut off there and reported") {
  damage_everywhere(0, 0, stride);
}

TEST_CASE("Log: bits and cuts of another 100 KB are refused, or cut off there and reported") {
  damage_everywhere(1, 1, 7 * stride);
}

TEST_CASE("Log: every bit and every cut of 2 MB is refused, or cut off there and reported",
          "[.long]") {
  damage_everywhere(0, 19, stride);
}
