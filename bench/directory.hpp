// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace varve_bench {

/// A new directory below the working one, which is where `bench/run` wants the stores; removed with
/// all that is in it.
class Directory {
 public:
  explicit Directory(const std::string& name = "store")
      : path_(std::filesystem::current_path() / ("varve-bench." + std::to_string(::getpid()) + "." +
                                                 std::to_string(++count_) + "." + name)) {
    std::filesystem::create_directories(path_);
  }

  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

}  // namespace varve_bench
