// SPDX-License-Identifier: Apache-2.0
// A store over a log whose checksums are right and whose entries may say anything.
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include "fuzz/log_files.hpp"
#include "fuzz/mended.hpp"
#include "held_files.hpp"

#include <algorithm>
#include <string>

using namespace varve;
using varve_test::HeldFiles;

namespace {

using Store = Wal<MemoryAdapter, HeldFiles>;

Store open_store(const HeldFiles& files) {
  return varve::open<Store>("db", WalOptions{.segment_bytes = 4096}, files);
}

std::string content(const Store& store) {
  std::string all;
  for (const TreeInfo& info : store.trees()) {
    all += info.name + '\n';
    for (const auto& entry : store.scan(info.tree, KeyRange::all())) {
      all.append(entry.key).append("=").append(entry.value).append("\n");
    }
  }
  return all;
}

/// The entries of a segment, each where the one before ends, with their checksums.
std::string mend_entries(BytesView bytes, const detail::SegmentHead& head, unsigned& seed) {
  std::string mended;
  std::uint64_t sequence = head.first;
  while (bytes.size() > detail::record_head_bytes) {
    const char* const at = bytes.data();
    const std::size_t left = bytes.size() - detail::record_head_bytes;
    const std::size_t size = detail::load_number<std::uint32_t>(at + 24) % (left + 1);
    detail::RecordHead record{.sequence = detail::load_number<std::uint64_t>(at + 8),
                              .durable = detail::load_number<std::uint64_t>(at + 16),
                              .kind = static_cast<LogEntryKind>(at[28])};
    seed = seed * 1664525U + 1013904223U;
    if (seed >> 28U != 0) record.sequence = sequence;
    if (seed >> 27U % 4 != 0) record.durable = std::min(record.durable, sequence - 1);
    detail::append_record(mended, head, record, bytes.substr(detail::record_head_bytes, size));
    bytes.remove_prefix(detail::record_head_bytes + size);
    ++sequence;
    if (bytes.find_first_not_of('\0') == BytesView::npos) break;
  }
  return mended.append(bytes);
}

}  // namespace

void mend(std::string& input, unsigned seed) {
  std::string mended;
  std::uint64_t number = 0;
  for (std::string& segment : varve_test::split_into_segments(input)) {
    segment.resize(std::max(segment.size(), detail::segment_head_bytes));
    const char* const at = segment.data();
    const detail::SegmentHead head{.log = 1,
                                   .segment = detail::load_number<std::uint64_t>(at + 24),
                                   .number = ++number,
                                   .first = detail::load_number<std::uint64_t>(at + 40),
                                   .follows = detail::load_number<std::uint64_t>(at + 48),
                                   .recycled = at[56] % 2 != 0};
    mended += detail::encode(head);
    mended += mend_entries(BytesView(segment).substr(detail::segment_head_bytes), head, seed);
  }
  input = std::move(mended);
}

void fuzz(BytesView input) {
  HeldFiles files;
  write_authority(files, "db", {.engine = "memory", .uuid = std::string(32, '0')});
  varve_test::put_log(files, "db/wal", input);
  std::string before;
  {
    Store store = open_store(files);
    before = content(store);
    const Tree tree = store.open_tree("after");
    store.write(WriteBatch().put(tree, "key", "value"));
    before = content(store);
    varve_test::expect(store.recovery().entries >= store.recovery().replayed,
                       "what is replayed was found");
  }
  const Store again = open_store(files);
  varve_test::expect(content(again) == before, "what was recovered is there for ever");
}
