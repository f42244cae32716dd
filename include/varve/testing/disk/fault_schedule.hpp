// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/testing/disk_fault.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace varve::testing::detail {

/// Counts the operations of a disk and says which of them fail.
class FaultSchedule {
 public:
  void plan(const DiskFault& fault) { faults_.push_back(fault); }
  void heal() noexcept { faults_.clear(); }

  [[nodiscard]] std::uint64_t count() const noexcept { return changes_; }
  [[nodiscard]] std::uint64_t count(DiskOperation kind) const noexcept {
    return counts_[static_cast<std::size_t>(kind)];
  }

  /// Counts an operation and answers how it is to fail.
  [[nodiscard]] std::optional<ErrorKind> next(DiskOperation operation) noexcept {
    if (operation != DiskOperation::read) ++changes_;
    const std::uint64_t of_its_kind = ++counts_[static_cast<std::size_t>(operation)];
    for (const DiskFault& fault : faults_) {
      const bool counted =
          fault.operation ? *fault.operation == operation : operation != DiskOperation::read;
      if (!counted) continue;
      const std::uint64_t now = fault.operation ? of_its_kind : changes_;
      if (now == fault.at || (fault.for_ever && now > fault.at)) return fault.error;
    }
    return std::nullopt;
  }

 private:
  std::vector<DiskFault> faults_;
  std::array<std::uint64_t, 10> counts_{};
  std::uint64_t changes_ = 0;
};

}  // namespace varve::testing::detail
