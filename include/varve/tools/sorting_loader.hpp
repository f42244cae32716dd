// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/operations.hpp>
#include <varve/tools/pipe.hpp>
#include <varve/tools/record_block.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

struct SortingLoaderOptions {
  /// Where what does not fit into memory is put aside: a directory on a disk with room for the
  /// whole input. Empty: everything is kept in memory, whatever its size.
  std::string directory{};
  std::size_t memory_bytes = std::size_t{512} << 20U;
};

namespace detail {

/// The first eight bytes of a key as a number that orders as they do.
inline std::uint64_t key_prefix(BytesView key) noexcept {
  unsigned char bytes[8] = {};
  std::memcpy(bytes, key.data(), key.size() < 8 ? key.size() : 8);
  std::uint64_t prefix = 0;
  for (const unsigned char byte : bytes) prefix = (prefix << 8U) | byte;
  return prefix;
}

/// Records in memory, in the order in which they came until they are sorted.
class Run {
 public:
  void reserve(std::size_t bytes) { records_.reserve(bytes); }

  void add(BytesView key, BytesView value) {
    places_.push_back({key_prefix(key), records_.bytes().size()});
    records_.add(key, value);
  }

  /// What the run holds in memory.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return records_.bytes().size() + places_.size() * sizeof(Place);
  }

  [[nodiscard]] bool empty() const noexcept { return places_.empty(); }

  /// Orders by key; of one key, by when it came.
  void sort() {
    std::sort(places_.begin(), places_.end(), [this](const Place& a, const Place& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const int order = entry(a).key.compare(entry(b).key);
      return order != 0 ? order < 0 : a.offset < b.offset;
    });
  }

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] Entry operator[](std::size_t i) const noexcept { return entry(places_[i]); }

 private:
  struct Place {
    std::uint64_t prefix;
    std::size_t offset;
  };

  [[nodiscard]] Entry entry(const Place& place) const noexcept {
    return RecordBlock::Reader(records_.bytes().substr(place.offset)).entry();
  }

  RecordBlock records_;
  std::vector<Place> places_;
};

/// A sorted run that was put aside: blocks of `u64 size | u32 crc32c | records`. The file is
/// unlinked while it is open, so that nothing is left of it whatever happens.
class RunFile {
 public:
  RunFile(const std::string& directory, const Run& run) : file_(make(directory)) {
    RecordBlock block;
    for (std::size_t i = 0; i < run.size(); ++i) {
      block.add(run[i].key, run[i].value);
      if (block.bytes().size() >= block_bytes) write(block);
    }
    if (!block.empty()) write(block);
    size_ = at_;
    at_ = 0;
  }

  /// The records of the next block, or none at the end.
  [[nodiscard]] std::string read() {
    if (at_ == size_) return {};
    char head[head_bytes];
    expect(file_.read_at(at_, head) == head_bytes);
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::memcpy(&size, head, sizeof size);
    std::memcpy(&crc, head + sizeof size, sizeof crc);
    expect(size <= size_ - at_ - head_bytes);
    std::string records(static_cast<std::size_t>(size), '\0');
    expect(file_.read_at(at_ + head_bytes, records) == size && crc32c(records) == crc);
    at_ += head_bytes + size;
    return records;
  }

 private:
  static constexpr std::size_t block_bytes = std::size_t{1} << 20U;
  static constexpr std::size_t head_bytes = sizeof(std::uint64_t) + sizeof(std::uint32_t);

  static PosixFile make(const std::string& directory) {
    PosixFileSystem files;
    files.create_directory(directory);
    const std::string path = directory + "/varve-run-" + std::to_string(random_bits()) + ".tmp";
    PosixFile file = files.open(path, OpenMode::create);
    files.remove(path);
    return file;
  }

  void write(RecordBlock& block) {
    char head[head_bytes];
    const std::uint64_t size = block.bytes().size();
    const std::uint32_t crc = crc32c(block.bytes());
    std::memcpy(head, &size, sizeof size);
    std::memcpy(head + sizeof size, &crc, sizeof crc);
    file_.write_at(at_, BytesView(head, head_bytes));
    file_.write_at(at_ + head_bytes, block.bytes());
    at_ += head_bytes + size;
    block.clear();
  }

  static void expect(bool good) {
    if (good) return;
    throw Error(ErrorKind::corruption,
                {.message = "a temporary file of the sort was not read back as it was written; "
                            "check the disk and load again",
                 .operation = "bulk_load",
                 .layer = "sorting_loader"});
  }

  PosixFile file_;
  std::uint64_t at_ = 0;
  std::uint64_t size_ = 0;
};

/// Goes over one sorted run, in memory or put aside.
class RunReader {
 public:
  explicit RunReader(const Run& run) : run_(&run), left_(run.size()) { load(); }
  explicit RunReader(RunFile file) : file_(std::move(file)) { load(); }

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] const Entry& entry() const noexcept { return entry_; }
  [[nodiscard]] std::uint64_t prefix() const noexcept { return prefix_; }

  void next() {
    if (run_ != nullptr) {
      --left_;
    } else {
      reader_.next();
    }
    load();
  }

 private:
  void load() {
    if (run_ != nullptr) {
      valid_ = left_ != 0;
      if (valid_) entry_ = (*run_)[run_->size() - left_];
    } else {
      if (!reader_.valid()) {
        block_ = std::make_unique<std::string>(file_->read());
        reader_ = RecordBlock::Reader(*block_);
      }
      valid_ = reader_.valid();
      if (valid_) entry_ = reader_.entry();
    }
    if (valid_) prefix_ = key_prefix(entry_.key);
  }

  const Run* run_ = nullptr;
  std::size_t left_ = 0;
  std::optional<RunFile> file_;
  std::unique_ptr<std::string> block_;  // Its place must outlive moves of the reader.
  RecordBlock::Reader reader_{BytesView()};
  Entry entry_;
  std::uint64_t prefix_ = 0;
  bool valid_ = false;
};

}  // namespace detail

/// A bulk loader for keys in any order: it sorts them, in memory and beyond it in temporary files,
/// and hands them to the engine's own loader. Of one key the value that came last wins. Sorting,
/// merging and loading overlap in two threads.
///
/// Memory: about `memory_bytes`. Durability and what is seen before `finish`: as of
/// `varve::bulk_loader`. Errors: those of the engine, and of the temporary files.
/// Belongs to one thread at a time.
template <KvEngine E>
class SortingLoader {
 public:
  explicit SortingLoader(E& engine, Tree tree, SortingLoaderOptions options = {})
      : engine_(&engine), tree_(tree), options_(std::move(options)) {}

  void put(BytesView key, BytesView value) {
    run_.add(key, value);
    if (options_.directory.empty() || run_.bytes() < options_.memory_bytes / 2) return;
    wait();
    auto put_aside = [directory = options_.directory, run = std::exchange(run_, {})]() mutable {
      run.sort();
      return detail::RunFile(directory, run);
    };
    putting_aside_ = std::async(std::launch::async, std::move(put_aside));
  }

  void finish() {
    run_.sort();
    wait();
    std::vector<detail::RunReader> runs;
    for (detail::RunFile& file : files_) runs.emplace_back(std::move(file));
    files_.clear();
    runs.emplace_back(run_);
    Pipe<RecordBlock> blocks(8, [&](const auto& push) { merge(runs, push); });
    auto loader = bulk_loader(*engine_, tree_);
    while (const auto block = blocks.pop()) {
      for (auto reader = block->read(); reader.valid(); reader.next()) {
        loader.put(reader.entry().key, reader.entry().value);
      }
    }
    loader.finish();
  }

 private:
  static constexpr std::size_t block_bytes = std::size_t{256} << 10U;

  void wait() {
    if (putting_aside_.valid()) files_.push_back(putting_aside_.get());
  }

  /// Pushes the records of all runs in order of key; of one key, that of the last run.
  template <class Push>
  static void merge(std::vector<detail::RunReader>& runs, const Push& push) {
    std::vector<detail::RunReader*> heap;
    for (detail::RunReader& run : runs) {
      if (run.valid()) heap.push_back(&run);
    }
    const auto later = [](const detail::RunReader* a, const detail::RunReader* b) {
      if (a->prefix() != b->prefix()) return a->prefix() > b->prefix();
      const int order = a->entry().key.compare(b->entry().key);
      return order != 0 ? order > 0 : a > b;
    };
    std::make_heap(heap.begin(), heap.end(), later);
    RecordBlock block;
    std::string key;
    std::string value;
    bool held = false;
    while (!heap.empty()) {
      detail::RunReader& run = *heap.front();
      if (held && run.entry().key != key) {
        block.add(key, value);
        if (block.bytes().size() >= block_bytes && !push(std::exchange(block, {}))) return;
      }
      key = run.entry().key;
      value = run.entry().value;
      held = true;
      std::pop_heap(heap.begin(), heap.end(), later);
      run.next();
      if (run.valid()) {
        std::push_heap(heap.begin(), heap.end(), later);
      } else {
        heap.pop_back();
      }
    }
    if (held) block.add(key, value);
    if (!block.empty()) push(std::move(block));
  }

  E* engine_;
  Tree tree_;
  SortingLoaderOptions options_;
  detail::Run run_;
  std::vector<detail::RunFile> files_;
  std::future<detail::RunFile> putting_aside_;
};

}  // namespace varve
