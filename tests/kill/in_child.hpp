// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "child.hpp"

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

// Stacks in a process of their own, which what the system refuses them does not leave.
#define VARVE_STACKS                                                                             \
  VARVE_STACKS_OF_LANE(varve::Wal<varve::RocksAdapter>, varve::LmdbAdapter, varve::RocksAdapter, \
                       varve::Wal<varve::MemoryAdapter>, varve::Wal<varve::LmdbAdapter>)

namespace varve_test {

using varve::Error;
using varve::ErrorKind;
using varve::Tree;

inline constexpr const char* skip_word = "SKIPPED: ";

/// The verdict of a child, which says nothing where all is well. One that may not do what it needs
/// says so loudly.
inline void check_child(const std::string& said) {
  if (said.rfind(skip_word, 0) == 0) {
    std::printf("!! %s\n", said.c_str());
    return;
  }
  CHECK(said == "");
}

/// Whether a process was stopped by an assertion within RocksDB: packages that were built with
/// assertions (Debian's) do so where a file could not be written. It is told, and not passed over:
/// what was acknowledged must be there all the same.
inline bool stopped_by_rocksdb(const std::string& said) {
  if (said != ended_with(SIGABRT)) return false;
  std::printf("note: an assertion within RocksDB stopped a process that could not write\n");
  std::fflush(stdout);
  return true;
}

inline std::string key_of(int number) {
  return "key" + std::to_string(1000 + number);
}
inline std::string value_of(int number, std::size_t size) {
  return std::string(size, static_cast<char>('a' + number % 26));
}

/// Writes until it is refused. The number of values that were acknowledged, and the refusal.
template <class Stack>
std::optional<Error> write_until_refused(Stack& store, Tree tree, int most, std::size_t size,
                                         int& acknowledged) {
  try {
    for (; acknowledged < most; ++acknowledged) {
      put(store, tree, key_of(acknowledged), value_of(acknowledged, size));
    }
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class Stack>
std::string missing_of(const Stack& store, Tree tree, int acknowledged, std::size_t size) {
  for (int i = 0; i < acknowledged; ++i) {
    if (get_copy(store, tree, key_of(i)) != value_of(i, size)) return key_of(i) + " is not there";
  }
  return "";
}

/// What `open` is refused with, or that it is not.
template <class Stack>
std::string refusal_to_open(const std::string& directory, ErrorKind expected) {
  try {
    const Stack store = varve::open<Stack>(directory);
  } catch (const Error& error) {
    return error.kind() == expected ? "" : error.what();
  }
  return "it was opened";
}

}  // namespace varve_test
