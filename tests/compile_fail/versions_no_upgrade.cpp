// SPDX-License-Identifier: Apache-2.0
// expect-error: each version becomes the next by `Next upgrade(Old)`
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions.hpp>

#include <cstdint>

using namespace varve;

struct Old {
  std::uint16_t id;
  auto operator<=>(const Old&) const = default;
};
struct New {
  std::uint32_t id;
  auto operator<=>(const New&) const = default;
};
#ifdef CONTROL
New upgrade(const Old& old) {
  return {old.id};
}
#endif

int main() {
  return Versions<Ordered, Old, New>::decode<New>("").id == 0;
}
