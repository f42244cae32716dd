// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace varve_test {

/// Files in memory without any of a disk's troubles, for what reads a million damaged ones. Copies
/// share the files.
class HeldFiles {
 public:
  class File {
   public:
    explicit File(std::shared_ptr<std::string> bytes) : bytes_(std::move(bytes)) {}

    void write_at(std::uint64_t offset, varve::BytesView bytes) {
      const auto at = static_cast<std::size_t>(offset);
      bytes_->resize(std::max(bytes_->size(), at + bytes.size()));
      std::copy(bytes.begin(), bytes.end(), bytes_->begin() + static_cast<std::ptrdiff_t>(at));
    }

    [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> buffer) const {
      if (offset >= bytes_->size()) return 0;
      return bytes_->copy(buffer.data(), buffer.size(), static_cast<std::size_t>(offset));
    }

    void write_through(std::uint64_t offset, varve::BytesView bytes) { write_at(offset, bytes); }
    void sync() {}
    void truncate(std::uint64_t size) { bytes_->resize(static_cast<std::size_t>(size)); }
    [[nodiscard]] std::uint64_t size() const { return bytes_->size(); }

   private:
    std::shared_ptr<std::string> bytes_;
  };

  struct Lock {};

  /// The bytes of a file, which is made where it is missing.
  std::string& operator[](varve::BytesView path) {
    auto& file = (*files_)[std::string(path)];
    if (!file) file = std::make_shared<std::string>();
    return *file;
  }

  [[nodiscard]] File open(varve::BytesView path, varve::OpenMode mode) {
    if (mode != varve::OpenMode::create) return File(find(path)->second);
    if (files_->contains(path)) fail(path, "is there");
    return File((*files_)[std::string(path)] = std::make_shared<std::string>());
  }

  [[nodiscard]] bool exists(varve::BytesView path) const {
    return files_->contains(path) || !list(path).empty() ||
           std::find(directories_->begin(), directories_->end(), path) != directories_->end();
  }

  void rename(varve::BytesView from, varve::BytesView to) {
    const auto found = find(from);
    (*files_)[std::string(to)] = found->second;
    files_->erase(found);
  }

  void remove(varve::BytesView path) { files_->erase(find(path)); }
  void create_directory(varve::BytesView path) { directories_->emplace_back(path); }
  void sync_directory(varve::BytesView) {}

  [[nodiscard]] std::vector<std::string> list(varve::BytesView path) const {
    const std::string front = path.empty() ? "" : std::string(path) + "/";
    std::vector<std::string> names;
    for (const auto& [file, bytes] : *files_) {
      if (file.compare(0, front.size(), front) == 0) names.push_back(file.substr(front.size()));
    }
    return names;
  }

  [[nodiscard]] std::uint64_t free_bytes(varve::BytesView) const { return std::uint64_t{1} << 40U; }
  [[nodiscard]] Lock lock(varve::BytesView) { return {}; }

 private:
  using Files = std::map<std::string, std::shared_ptr<std::string>, std::less<>>;

  [[noreturn]] static void fail(varve::BytesView path, const char* what) {
    throw varve::Error(varve::ErrorKind::io, {.message = "'" + std::string(path) + "' " + what});
  }

  [[nodiscard]] Files::iterator find(varve::BytesView path) const {
    const auto found = files_->find(path);
    if (found == files_->end()) fail(path, "is not there");
    return found;
  }

  std::shared_ptr<Files> files_ = std::make_shared<Files>();
  std::shared_ptr<std::vector<std::string>> directories_ =
      std::make_shared<std::vector<std::string>>();
};

static_assert(varve::FileSystem<HeldFiles>);

}  // namespace varve_test
