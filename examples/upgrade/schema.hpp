// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/chain_up_to.hpp>
#include <varve/migrations/evolving.hpp>

#include <cstdint>
#include <string>

namespace upgrade {

// [records]
struct PackageV1 {
  std::string version;
  std::string section;  ///< "libs", or "non-free/libs"
  std::string summary;
  std::uint64_t size = 0;
};
struct PackageV3 {
  std::string version;
  std::string area;  ///< "non-free"; empty for the main one
  std::string section;
  std::string summary;
  std::uint64_t size = 0;
};
// [/records]

// [chain]
using Packages = varve::RecordTree<"packages", std::string>;

struct DropSizes : varve::Step<1, 2> {
  static constexpr auto description = "no index by size any more";
  static constexpr auto loss = varve::lossy("packages_by_size: the packages have their sizes");
  using Actions = varve::Actions<varve::DropTree<"packages_by_size">>;
};

struct SplitSection : varve::Step<2, 3> {
  static constexpr auto description = "the area of the archive stands beside the section";
  using Tree = Packages;
  using In = varve::Frozen<PackageV1, 0xbed72727781558d9>;
  using Out = varve::Frozen<PackageV3, 0xb403006456cd7dcf>;

  static Out convert(const In& old) {
    const std::size_t slash = old.section.find('/');
    const bool has_area = slash != std::string::npos && slash != 0;
    return {old.version, has_area ? old.section.substr(0, slash) : "",
            has_area ? old.section.substr(slash + 1) : old.section, old.summary, old.size};
  }
  static In invert(const Out& package) {
    return {package.version,
            package.area.empty() ? package.section : package.area + "/" + package.section,
            package.summary, package.size};
  }
};

using Chain = varve::MigrationChain<DropSizes, SplitSection>;
using Store = varve::Migrated<Chain, varve::Wal<varve::RocksAdapter>>;
using PackageCodec = varve::Evolving<Chain, Packages>;
// [/chain]

/// The program between: its chain ends with version 2.
using StoreOfTwo = varve::Migrated<varve::ChainUpTo<Chain, 2>, varve::Wal<varve::RocksAdapter>>;

}  // namespace upgrade
