// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace catalogue {

/// The directory below which the stores lie: a temporary one, or the one that is named, which has
/// to be new or empty. What was made in it is removed by the destructor, unless it is to be kept.
class Workplace {
 public:
  Workplace(const std::string& named, bool keep) : keep_(keep) {
    if (named.empty()) {
      path_ = (std::filesystem::temp_directory_path() / "catalogue-XXXXXX").string();
      if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("no directory can be made below '" +
                                 std::filesystem::temp_directory_path().string() +
                                 "': name one with --dir");
      }
    } else {
      path_ = named;
      made_ = std::filesystem::create_directories(path_);
      if (!std::filesystem::is_empty(path_)) {
        throw std::runtime_error("'" + path_ + "' is not empty: name a new directory");
      }
    }
  }

  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  ~Workplace() {
    if (keep_) return;
    std::error_code ignored;
    for (const std::string& store : stores_) std::filesystem::remove_all(store, ignored);
    if (made_) std::filesystem::remove(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// A directory for a store, not there yet.
  [[nodiscard]] std::string fresh(const std::string& name) {
    const std::string path = path_ + "/" + name;
    std::filesystem::remove_all(path);
    stores_.push_back(path);
    return path;
  }

 private:
  std::string path_;
  bool keep_;
  bool made_ = true;
  std::vector<std::string> stores_;
};

}  // namespace catalogue
