// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/history/height.hpp>

#include <cstdint>
#include <string>

namespace varve {

/// What is wrong with a height that was asked for.
enum class HeightFault : std::uint8_t {
  not_reached,   ///< above the latest
  pruned,        ///< below the oldest that can be read, or that a rollback can bring back
  out_of_order,  ///< to be committed, and not above the latest
};

/// A height that cannot be had. Nothing was changed.
class HeightError : public Error {
 public:
  HeightError(HeightFault fault, Height asked, Height oldest, Height latest, const char* operation)
      : Error(ErrorKind::invalid_argument,
              {.message = message(fault, asked, oldest, latest, operation),
               .operation = operation,
               .layer = "versioned"}),
        fault_(fault),
        asked_(asked),
        oldest_(oldest),
        latest_(latest) {}

  [[nodiscard]] HeightFault fault() const noexcept { return fault_; }
  [[nodiscard]] Height asked() const noexcept { return asked_; }
  /// As the store was: the heights that could be had.
  [[nodiscard]] Height oldest() const noexcept { return oldest_; }
  [[nodiscard]] Height latest() const noexcept { return latest_; }

 private:
  static std::string message(HeightFault fault, Height asked, Height oldest, Height latest,
                             BytesView operation) {
    std::string height = "height " + std::to_string(asked.value);
    switch (fault) {
      case HeightFault::not_reached:
        return height + " is not reached yet: the latest is " + std::to_string(latest.value);
      case HeightFault::pruned:
        if (operation == "rollback") {
          return height + " cannot be brought back: the lowest that can be is " +
                 std::to_string(oldest.value) +
                 "; what was before is no longer kept, or a tree was dropped, roots were begun or "
                 "a schema was changed then";
        }
        return height + " is no longer kept: the oldest that can be had is " +
               std::to_string(oldest.value) + "; keep more heights (VersionedOptions) from now on";
      case HeightFault::out_of_order:
        return height + " is not above the latest, " + std::to_string(latest.value) +
               ": commit a higher one, or roll back first; a migration and a scrub take heights "
               "too";
    }
    return height;
  }

  HeightFault fault_;
  Height asked_;
  Height oldest_;
  Height latest_;
};

}  // namespace varve
