// SPDX-License-Identifier: Apache-2.0
// expect-error: an untagged record may begin with the tag of one of these versions
// expect-error: the codec of the untagged records does not say which bytes they may begin with
// expect-error: only version 1 can be Untagged, and not after Retired
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions.hpp>

#include <cstdint>
#include <string>

using namespace varve;

struct Old {
  std::uint16_t id;
  auto operator<=>(const Old&) const = default;
};
struct New {
  std::uint32_t id;
  auto operator<=>(const New&) const = default;
};
New upgrade(Old&& old) {
  return {old.id};
}

template <class V>
void write() {
  std::string bytes;
  V::encode(New{1}, bytes);
}

int main() {
#ifdef CONTROL
  write<Versions<Ordered, Untagged<Old, FirstByte<3, 0xff>>, New>>();
#else
  write<Versions<Ordered, Untagged<Old, FirstByte<2, 0xff>>, New>>();
  write<Versions<Ordered, Untagged<Old>, New>>();
  write<Versions<Ordered, Retired<3>, Untagged<Old, FirstByte<9>>, New>>();
#endif
}
