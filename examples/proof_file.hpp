// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace examples {

inline std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4U];
    text += digits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

inline std::string hex(std::string_view bytes) {
  return hex(std::as_bytes(std::span(bytes)));
}

/// Throws `std::invalid_argument` for what is no hexadecimal number of whole bytes.
inline std::string from_hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = digits.find(text[i]);
    const std::size_t low = i + 1 < text.size() ? digits.find(text[i + 1]) : digits.npos;
    if (high == digits.npos || low == digits.npos) {
      throw std::invalid_argument("'" + std::string(text) + "' is not in hexadecimal digits");
    }
    bytes += static_cast<char>(high << 4U | low);
  }
  return bytes;
}

/// What somebody says of a store, and the proof of it, as lines of a file:
///
///   tree packages
///   key 676974
///   value 0000...      `absent` instead, where there was none
///   proof 0101...
///
/// The root is not among them: whoever verifies has it from where he trusts.
struct ProofFile {
  std::string tree;
  std::string key;
  std::optional<std::string> value;
  std::string proof;
};

inline std::ostream& operator<<(std::ostream& out, const ProofFile& file) {
  return out << "tree " << file.tree << "\nkey " << hex(file.key) << "\nvalue "
             << (file.value ? hex(*file.value) : "absent") << "\nproof " << hex(file.proof) << '\n';
}

/// Throws `std::invalid_argument` for what is no such file.
inline ProofFile read_proof_file(std::istream& in) {
  const auto line = [&](std::string_view name) {
    std::string text;
    const std::string beginning = std::string(name) + " ";
    if (!std::getline(in, text) || !text.starts_with(beginning)) {
      throw std::invalid_argument("the file has no line '" + beginning + "...' where it should");
    }
    return text.substr(beginning.size());
  };
  ProofFile file;
  file.tree = line("tree");
  file.key = from_hex(line("key"));
  const std::string value = line("value");
  if (value != "absent") file.value = from_hex(value);
  file.proof = from_hex(line("proof"));
  return file;
}

}  // namespace examples
