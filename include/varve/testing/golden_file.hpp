// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

namespace varve::testing {

/// The bytes of records as they were when their layouts were new, a line each:
/// `TREE VERSION HEX IDENTITY`.
class GoldenFile {
 public:
  struct Golden {
    std::string bytes;
    std::string identity;
  };

  /// Reads the file where it is there. An empty path keeps nothing.
  explicit GoldenFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::ifstream file(path_, std::ios::binary);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string tree;
      std::uint32_t version = 0;
      std::string spelled;
      Golden golden;
      words >> tree >> version >> spelled;
      words.get();
      std::getline(words, golden.identity);
      if (!from_hex(spelled, golden.bytes)) {
        throw Error(ErrorKind::corruption,
                    {.message = "a line of '" + path_ + "' is no record that was kept: " + line,
                     .operation = "check_chain"});
      }
      kept_[{tree, version}] = std::move(golden);
    }
  }

  /// What was kept; where nothing was, what `make` gives from now on.
  template <class Make>
  [[nodiscard]] Golden find(BytesView tree, std::uint32_t version, BytesView identity,
                            const Make& make) {
    const auto [at, added] = kept_.try_emplace({std::string(tree), version});
    if (added) at->second = {make(), std::string(identity)};
    ++(added ? added_ : compared_);
    return at->second;
  }

  /// Writes the file, where something was added.
  void save() const {
    if (path_.empty() || added_ == 0) return;
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    for (const auto& [place, golden] : kept_) {
      file << place.first << ' ' << place.second << ' ' << hex(golden.bytes) << ' '
           << golden.identity << '\n';
    }
    file.flush();
    if (file) return;
    throw Error(ErrorKind::io,
                {.message = "the records that were kept cannot be written to '" + path_ + "'",
                 .operation = "check_chain"});
  }

  [[nodiscard]] std::size_t compared() const noexcept { return compared_; }
  [[nodiscard]] std::size_t added() const noexcept { return added_; }

  /// "-" for no bytes, so that it is a word.
  [[nodiscard]] static std::string hex(BytesView bytes) {
    if (bytes.empty()) return "-";
    std::string text;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      text.push_back("0123456789abcdef"[byte >> 4U]);
      text.push_back("0123456789abcdef"[byte & 15U]);
    }
    return text;
  }

 private:
  [[nodiscard]] static bool from_hex(const std::string& text, std::string& bytes) {
    if (text == "-") return true;
    constexpr BytesView digits = "0123456789abcdef";
    if (text.empty() || text.size() % 2 != 0) return false;
    for (std::size_t i = 0; i != text.size(); i += 2) {
      const std::size_t high = digits.find(text[i]);
      const std::size_t low = digits.find(text[i + 1]);
      if (high == BytesView::npos || low == BytesView::npos) return false;
      bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return true;
  }

  std::string path_;
  std::map<std::pair<std::string, std::uint32_t>, Golden> kept_;
  std::size_t compared_ = 0;
  std::size_t added_ = 0;
};

}  // namespace varve::testing
