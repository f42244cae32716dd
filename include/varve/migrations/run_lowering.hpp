// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/error.hpp>
#include <varve/migrations/history.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace varve::detail {

/// Whether every conversion that made a later layout than that of `version` has
/// an inverse.
template <class... L>
[[nodiscard]] constexpr bool leads_below(StepList<L...>,
                                         [[maybe_unused]] std::uint32_t version) noexcept {
  [[maybe_unused]] const auto inverts = []<class One>() {
    if constexpr (std::is_void_v<typename One::Action>) {
      return true;
    } else {
      return One::Action::invertible;
    }
  };
  return ((L::since <= version || inverts.template operator()<L>()) && ...);
}

/// Puts `record` behind the version that its layout begins with, if `tagged`.
template <class L>
void append_record(std::string& bytes, const typename L::Record& record, bool tagged) {
  if (tagged) bytes.append(versions::tag_of<L::since>().view());
  L::RecordCodec::encode(record, bytes);
}

/// Appends the record of layout `i`, taken back to layout `goal`.
template <class Layouts, std::size_t i>
void append_lowered(std::string& bytes, const typename nth_t<i, Layouts>::Record& record,
                    std::size_t goal, bool tagged) {
  using L = nth_t<i, Layouts>;
  if constexpr (i != 0) {
    if (goal < i) {
      if constexpr (L::Action::invertible) {
        return append_lowered<Layouts, i - 1>(bytes, L::Action::invert(record), goal, tagged);
      } else {
        throw Error(ErrorKind::schema_loss,
                    {.message = "the step to version " + std::to_string(L::since) +
                                " has no inverse: restore the backup that was made before it",
                     .operation = "migrate",
                     .layer = "migrated"});
      }
    }
  }
  append_record<L>(bytes, record, tagged);
}

/// Appends the record in `body`, which is of layout `found`, taken back to
/// layout `goal`.
template <class Layouts>
void lower_bytes(std::string& bytes, std::size_t found, BytesView body, std::size_t goal,
                 bool tagged) {
  using Lower = void (*)(std::string&, BytesView, std::size_t, bool);
  static constexpr auto table = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Lower, sizeof...(i)>{
        [](std::string& to, BytesView from, std::size_t down_to, bool with_tag) {
          using L = nth_t<i, Layouts>;
          append_lowered<Layouts, i>(to, L::RecordCodec::template decode<typename L::Record>(from),
                                     down_to, with_tag);
        }...};
  }(std::make_index_sequence<Layouts::size>());
  table[found](bytes, body, goal, tagged);
}

}  // namespace varve::detail
