// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/operations.hpp>

#include <cstddef>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

/// Whole stores as text, so that those of old programs can be kept as data: a line "tree NAME" for
/// each tree, the reserved ones too, then a line "KEY VALUE" for each record, in hexadecimal
/// digits.
namespace varve_test {

inline std::string to_hex(varve::BytesView bytes) {
  std::string digits;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    digits.push_back("0123456789abcdef"[byte >> 4U]);
    digits.push_back("0123456789abcdef"[byte & 15U]);
  }
  return digits;
}

inline std::string from_hex(varve::BytesView digits) {
  if (digits.size() % 2 != 0) throw std::runtime_error("an odd number of digits");
  std::string bytes;
  for (std::size_t i = 0; i != digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

/// All records of an engine, by tree.
using Dump = std::map<std::string, std::map<std::string, std::string>>;

template <varve::KvEngine E>
Dump dump(const E& engine) {
  Dump all;
  for (const varve::TreeInfo& info : engine.trees()) {
    auto& records = all[info.name];
    for (const varve::Entry entry : engine.scan(info.tree, varve::KeyRange::all())) {
      records.emplace(entry.key, entry.value);
    }
  }
  return all;
}

inline std::string to_text(const Dump& all) {
  std::string text;
  for (const auto& [tree, records] : all) {
    text += "tree " + tree + "\n";
    for (const auto& [key, value] : records) text += to_hex(key) + " " + to_hex(value) + "\n";
  }
  return text;
}

inline Dump read_dump(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("there is no file " + path);
  Dump all;
  std::map<std::string, std::string>* records = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 5, "tree ") == 0) {
      records = &all[line.substr(5)];
      continue;
    }
    const std::size_t blank = line.find(' ');
    if (records == nullptr || blank == std::string::npos) {
      throw std::runtime_error("no line of a dump: " + line);
    }
    records->emplace(from_hex(line.substr(0, blank)), from_hex(line.substr(blank + 1)));
  }
  return all;
}

/// Puts the records into an engine that has none.
template <varve::KvEngine E>
void load(E& engine, const Dump& all) {
  varve::WriteBatch batch;
  for (const auto& [name, records] : all) {
    const varve::Tree tree = engine.open_tree(name);
    for (const auto& [key, value] : records) batch.put(tree, key, value);
  }
  engine.write(batch, varve::Durability::synced);
}

}  // namespace varve_test
