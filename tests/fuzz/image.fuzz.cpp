// SPDX-License-Identifier: Apache-2.0
// The image of a volatile engine, with checksums that are right.
#include <varve/layers/wal/image.hpp>

#include "fuzz/mended.hpp"
#include "held_files.hpp"

using namespace varve;

void mend(std::string& input, unsigned seed) {
  std::uint64_t number = 0;
  for (std::size_t at = 0; at + detail::image_head_bytes <= input.size();) {
    BytesView front = BytesView(input).substr(at);
    const std::size_t left = front.size() - detail::image_head_bytes;
    std::uint64_t size = detail::take_number<std::uint64_t>(front);
    if (size > left && seed % 8 != 0) size %= left + 1;
    if (size > left) return;
    std::string head;
    detail::append_number(head, size);
    const auto payload = BytesView(input).substr(at + detail::image_head_bytes, size);
    detail::append_number(head, detail::image_checksum(number++, payload));
    input.replace(at, head.size(), head);
    at += head.size() + payload.size();
  }
}

void fuzz(BytesView input) {
  varve_test::HeldFiles files;
  files["image"] = input;
  detail::ImageReader reader(files, "image");
  (void)reader.head();
  while (const auto batch = reader.next()) {
    for (const WriteOp op : *batch) {
      varve_test::expect(op.kind != WriteOpKind::put || !op.key.empty(), "no key is empty");
    }
  }
}
