// SPDX-License-Identifier: Apache-2.0
// The reader of the log.
#include <varve/wal/log_reader.hpp>

#include "fuzz/fuzz.hpp"
#include "fuzz/log_files.hpp"
#include "held_files.hpp"

void fuzz(varve::BytesView input) {
  varve_test::HeldFiles files;
  varve_test::put_log(files, "log", input);
  for (const bool salvage : {false, true}) {
    varve_test::takes([&] {
      varve::LogReader<varve_test::HeldFiles> reader(files, "log", {.salvage = salvage});
      std::uint64_t before = 0;
      std::uint64_t entries = 0;
      while (reader.next()) {
        const std::uint64_t sequence = reader.entry().sequence;
        varve_test::expect(++entries == 1 || sequence > before, "sequences ascend");
        before = sequence;
      }
      varve_test::expect(reader.report().entries == entries, "entries are counted");
      varve_test::expect(salvage || reader.report().dropped.empty(), "nothing is passed over");
    });
  }
}
