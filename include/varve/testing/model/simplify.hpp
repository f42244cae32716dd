// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/script.hpp>
#include <varve/testing/shrink.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace varve::testing::detail {

/// Makes the operations of a failing script smaller one by one: leaves out changes of batches,
/// records of loads and keys, and shortens values.
template <class Fails>
[[nodiscard]] Script simplify(Script script, Fails fails) {
  for (std::size_t i = 0; i < script.size(); ++i) {
    const auto with = [&](Operation operation) {
      Script candidate = script;
      candidate[i] = std::move(operation);
      return candidate;
    };
    const auto shrink_list = [&](auto operation, auto member) {
      operation.*member = shrink(operation.*member, [&](const auto& fewer) {
        auto smaller = operation;
        smaller.*member = fewer;
        return fails(with(std::move(smaller)));
      });
      script[i] = std::move(operation);
    };
    if (const auto* write = std::get_if<script::Write>(&script[i])) {
      shrink_list(*write, &script::Write::changes);
    } else if (const auto* both = std::get_if<script::WriteAndDrop>(&script[i])) {
      shrink_list(*both, &script::WriteAndDrop::changes);
    } else if (const auto* load = std::get_if<script::BulkLoad>(&script[i])) {
      shrink_list(*load, &script::BulkLoad::records);
    } else if (const auto* gets = std::get_if<script::MultiGet>(&script[i])) {
      shrink_list(*gets, &script::MultiGet::keys);
    }
  }
  return script;
}

}  // namespace varve::testing::detail
