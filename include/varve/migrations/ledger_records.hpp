// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What the ledger of a schema keeps, record by record: docs/formats/ledger.md.
namespace varve {

enum class StoreState : std::uint8_t {
  ready = 1,      ///< open to programs whose chain reaches its version
  migrating = 2,  ///< a run is under way: `LedgerRun` has its place
  building = 3,   ///< the target of a copy from another engine that is not complete
  sealed = 4      ///< moved elsewhere: `successor` says where to
};

enum class RunPhase : std::uint8_t { rewrite = 1, verify = 2 };

enum class TreeState : std::uint8_t {
  live = 1,      ///< its records have a version in front of them
  held = 2,      ///< dropped by a step: hidden, its records are kept
  dropping = 3,  ///< to be removed by the engine; removed again if it is still there
  withdrawn = 4  ///< made by a step that was taken back: hidden, its records
                 ///< come back with it
};

/// The one truth about a store. Written last of all that a change consists of,
/// in its batch.
struct LedgerHead {
  std::uint64_t store = 0;  ///< drawn when the store was stamped
  std::uint64_t epoch = 0;  ///< grows by one with each head that is written
  StoreState state = StoreState::ready;
  std::uint32_t write_version = 0;  ///< what new records are written as
  std::uint32_t floor_version = 0;  ///< no record has a layout older than that of this version
  std::uint32_t least_program = 0;  ///< the lowest version whose programs may open the store
  std::uint64_t chain = 0;          ///< of the steps up to `write_version`, joined
  std::string written_by{};         ///< the toolkit's version, for people
  std::string successor{};          ///< of a sealed store
};

/// A step that the store has gone through, in the order of their epochs.
struct LedgerStep {
  std::uint32_t from = 0;
  std::uint32_t to = 0;  ///< below `from` where it was taken back
  std::uint64_t identity = 0;
  bool lossy = false;
  bool baseline = false;  ///< nothing ran: the store was made, or adopted, at a
                          ///< later version
  std::uint64_t records = 0;
  std::uint64_t refused = 0;
  std::int64_t started = 0;  ///< in seconds since 1970
  std::int64_t finished = 0;
  std::string backup{};  ///< the copy that was made before it, if one was
};

/// What a tree holds by the count of the run that wrote it.
struct LedgerDigest {
  std::string tree{};
  std::uint64_t records = 0;
  std::uint64_t sum = 0;
};

/// The run that is under way: at most one.
struct LedgerRun {
  std::uint64_t identity = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;     ///< below `from` where steps are taken back
  bool returns = false;     ///< takes a run back that had not ended
  std::uint64_t chain = 0;  ///< of the steps that it takes, joined
  std::uint64_t shape = 0;  ///< the same, less their revisions
  std::uint64_t plan = 0;   ///< what was confirmed, where it is lossy
  std::uint32_t floor = 0;  ///< of the store when it began: what lazy steps have left is rewritten
  RunPhase phase = RunPhase::rewrite;
  std::uint32_t pass = 0;  ///< the pass that is under way, from 0; back, one more than it
  std::string cursor{};    ///< the last key of it that is done; empty at its beginning.
                           ///< Back, no key at or after it is left to be done
  std::uint64_t batches = 0;
  std::uint64_t records = 0;  ///< done in all passes
  std::uint64_t total = 0;    ///< expected in all passes, by the estimate of the beginning
  std::uint64_t bytes = 0;    ///< of the records that were read
  std::uint64_t refused = 0;
  std::uint64_t milliseconds = 0;  ///< spent up to the last batch, over all processes
  std::int64_t started = 0;        ///< in seconds since 1970
  std::vector<LedgerDigest> digests{};
  std::vector<std::string> untagged{};  ///< trees whose records have no version at its lower end
  std::string backup{};                 ///< the copy that was made before it, if one was
};

/// How far the rewriting of what lazy steps have left has come: at most one.
struct LedgerScrub {
  std::uint32_t version = 0;  ///< that the store had when it was begun
  std::uint64_t epoch = 0;    ///< of the head then: with another head it is begun anew
  bool verifying = false;     ///< all trees were gone through, and are looked at once more
  std::string tree{};         ///< that is gone through; empty at the beginning, and at the end
  std::string cursor{};       ///< the last key of it that is done
  std::uint64_t records = 0;  ///< looked at
  std::uint64_t rewritten = 0;
  std::uint64_t refused = 0;
};

/// A tree that the chain has to do with, by its name.
struct LedgerTree {
  TreeState state = TreeState::live;
  std::uint32_t version = 0;  ///< that put it into this state
  std::int64_t since = 0;     ///< in seconds since 1970
};

enum class HeightState : std::uint8_t {
  rest = 1,     ///< records are of what layouts they were, or a scrub has made them the newest
  running = 2,  ///< a run is changing them
  ran = 3       ///< a run has changed them, and ended
};

/// How a store that keeps history stands to its schema, from a height on.
struct LedgerHeight {
  HeightState state = HeightState::rest;
  std::uint32_t version = 0;            ///< no record has a later layout than that of this version
  std::uint32_t floor = 0;              ///< nor an older one than that of this
  std::vector<std::string> untagged{};  ///< trees whose records have no version in front of them
  std::string partly{};  ///< the one of them that a run is going through: those of its records
  std::string below{};   ///< have one whose keys are in front of this

  friend bool operator==(const LedgerHeight&, const LedgerHeight&) = default;
};

/// A record that a conversion refused, and that was put aside.
struct LedgerRefusal {
  std::string tree{};
  std::string key{};
  std::string value{};
  std::string reason{};
  std::uint32_t pass = 0;  ///< of the run that put it aside, from 0; 0 of a scrub
};

}  // namespace varve
