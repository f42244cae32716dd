// SPDX-License-Identifier: Apache-2.0
//
// What a program leaves behind that is killed while it migrates, and what the next one makes of it:
// each line of that table. The children are killed by SIGKILL in front of each change that they
// make to the engine, and behind it.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "child.hpp"
#include "migrations/blocks.hpp"
#include "migrations/meddled.hpp"
#include "migrations/on_the_way.hpp"
#include "temp_directory.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::on_the_way;
using varve_test::Change;
using varve_test::in_child;
using varve_test::Meddled;
using varve_test::MeddledOptions;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 40;
const std::string killed = varve_test::ended_with(SIGKILL);

template <class E>
using Store = Migrated<ToFour, Meddled<E>>;

template <class E>
std::string engine_in(const std::string& directory) {
  return directory + "/" + std::string(E::name);
}

/// A store of version 1 with its stamp.
template <class E>
const std::string& prepared() {
  static const TempDirectory home;
  static const std::string directory = [] {
    const std::string made = home.path() + "/store";
    REQUIRE(in_child([&] {
              {
                auto store = open<E>(made);
                fill_version_1(store, blocks_made);
              }
              try {
                static_cast<void>(open<Store<E>>(made, MigratedOptions{.adopt_as = 1}));
              } catch (const Error& error) {
                return error.kind() == ErrorKind::schema_loss ? "" : error.what();
              }
              return "it was opened";
            }) == "");
    return made;
  }();
  return directory;
}

template <class E>
void copy_prepared(const std::string& to) {
  std::filesystem::copy(prepared<E>(), to, std::filesystem::copy_options::recursive);
}

/// Kills the process in front of its change number `at`, or behind it.
template <class E>
MeddledOptions<E> dying(std::uint64_t at, bool after) {
  const auto die = [at, seen = std::uint64_t{0}](const Change&, E&) mutable {
    if (++seen == at) ::raise(SIGKILL);
  };
  MeddledOptions<E> options;
  (after ? options.after : options.before) = die;
  return options;
}

MigratedOptions small_batches(MigratedOptions options = {}) {
  options.run.batch_records = 10;
  return options;
}

/// What lies in a directory, seen from below.
template <class E>
std::string found_in(const std::string& directory) {
  return in_child([&] {
    E engine(engine_in<E>(directory));
    const Found found = look(engine, blocks_made);
    return found.wrong.empty() ? std::string(to_string(found.place)) : found.wrong;
  });
}

struct Dead {
  std::string directory;
  std::string found;
  std::uint64_t change = 0;
  bool after = false;
};

/// What is left by a run that was killed, for each place where it can be.
template <class E>
const std::vector<Dead>& dead() {
  static const TempDirectory home;
  static const std::vector<Dead> all = [] {
    std::vector<Dead> left;
    for (std::uint64_t change = 1;; ++change) {
      for (const bool after : {false, true}) {
        const std::string directory = home.path() + "/" + std::to_string(left.size());
        copy_prepared<E>(directory);
        const std::string ended = in_child([&] {
          static_cast<void>(
              bring_up<Store<E>>(directory, small_batches(), dying<E>(change, after)));
          return std::string("opened");
        });
        if (ended == "opened") return left;
        REQUIRE(ended == killed);
        left.push_back({directory, found_in<E>(directory), change, after});
      }
    }
  }();
  return all;
}

template <class E>
std::vector<Dead> dead(Place place) {
  std::vector<Dead> some;
  for (const Dead& one : dead<E>()) {
    if (one.found == to_string(place)) some.push_back(one);
  }
  return some;
}

struct WentOn {
  std::uint64_t rewritten = 0;  ///< blocks, by this opening
  bool verified = false;
};

/// A copy to go on with, in place of the last one.
std::string copy_of(const std::string& directory) {
  const std::string copy = directory + ".copy";
  std::filesystem::remove_all(copy);
  std::filesystem::copy(directory, copy, std::filesystem::copy_options::recursive);
  return copy;
}

/// Opens a copy of what is left; nothing is accepted any more. What is wrong with it then.
template <class E>
std::string go_on(const std::string& left, WentOn expected) {
  const std::string directory = copy_of(left);
  return in_child([&] {
    WentOn did;
    MigratedOptions options = small_batches();
    std::uint64_t before = 0;
    {
      E engine(engine_in<E>(directory));
      before = look(engine, blocks_made).moved;
    }
    options.run.progress = [&](const MigrationProgress& now) {
      if (now.verifying) did.verified = true;
      if (!now.verifying && !now.finished) did.rewritten = now.done - before;
    };
    auto store = open<Store<E>>(directory, options);
    if (contents(store) != contents_of_version_4(blocks_made)) {
      return std::string("other blocks than there were");
    }
    if (store.history().size() != 3 || store.history().back().records != blocks_made) {
      return std::string("other counts than of a run that went through");
    }
    if (did.rewritten != expected.rewritten) {
      return "blocks were rewritten: " + std::to_string(did.rewritten);
    }
    return std::string(did.verified == expected.verified ? "" : "it verified, or did not");
  });
}

}  // namespace

TEMPLATE_TEST_CASE("Killed at any change: the store is before, resumable or done, and nothing else",
                   "", LmdbAdapter, RocksAdapter) {
  // In this order.
  const std::array places{Place::before, Place::begun, Place::middle, Place::verifying,
                          Place::done};
  auto place = places.begin();
  for (const Dead& one : dead<TestType>()) {
    CAPTURE(one.change, one.after);
    while (one.found != to_string(*place)) {
      ++place;
      INFO(one.found);
      REQUIRE(place != places.end());
    }
  }
  CHECK(place == places.end() - 1);
}

TEMPLATE_TEST_CASE("Killed in plan, confirm or backup: nothing has changed, and it is planned anew",
                   "", LmdbAdapter, RocksAdapter) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string backup = home.path() + "/backup";
  const auto refused_with = [&](MigratedOptions options) {
    return in_child([&] {
      try {
        static_cast<void>(open<Store<TestType>>(directory, options));
      } catch (const Error& error) {
        return std::to_string(accept_loss_in(error));
      }
      return std::string("it was opened");
    });
  };
  copy_prepared<TestType>(directory);
  const std::string plan = refused_with({});
  CHECK(plan.size() > 10);
  for (const bool after : {false, true}) {
    // The first change is the copy.
    const MigratedOptions accepted{.accept_loss = std::stoull(plan), .backup_directory = backup};
    CHECK(in_child([&] {
            static_cast<void>(
                open<Store<TestType>>(directory, accepted, dying<TestType>(1, after)));
            return std::string("opened");
          }) == killed);
    CHECK(std::filesystem::exists(backup) == after);
    CHECK(found_in<TestType>(directory) == "before");
    CHECK(refused_with({}) == plan);
    std::filesystem::remove_all(backup);
  }
  CHECK(in_child([&] {
          static_cast<void>(
              open<Store<TestType>>(directory, MigratedOptions{.accept_loss = std::stoull(plan)}));
          return std::string("opened");
        }) == "opened");
  CHECK(found_in<TestType>(directory) == "done");
}

TEMPLATE_TEST_CASE("Killed around the begin of a run: the old state, or a run at its beginning", "",
                   LmdbAdapter, RocksAdapter) {
  const std::vector<Dead> before = dead<TestType>(Place::before);
  const std::vector<Dead> begun = dead<TestType>(Place::begun);
  REQUIRE_FALSE(before.empty());
  REQUIRE_FALSE(begun.empty());
  // It begins with one change: there is nothing between.
  CHECK(before.back().change == begun.front().change);
  for (const Dead& one : before) {
    CAPTURE(one.change, one.after);
    CHECK(go_on<TestType>(one.directory, {}).find("accept_loss") != std::string::npos);
    CHECK(found_in<TestType>(one.directory + ".copy") == "before");
  }
  for (const Dead& one : begun) {
    CAPTURE(one.change, one.after);
    CHECK(go_on<TestType>(one.directory, {.rewritten = blocks_made, .verified = true}) == "");
  }
}

TEMPLATE_TEST_CASE("Killed between batches or inside one: the run goes on behind its cursor", "",
                   LmdbAdapter, RocksAdapter) {
  const std::vector<Dead> middle = dead<TestType>(Place::middle);
  CHECK(middle.size() >= 6);
  for (const Dead& one : middle) {
    CAPTURE(one.change, one.after);
    const std::string left = in_child([&] {
      TestType engine(engine_in<TestType>(one.directory));
      return std::to_string(blocks_made - look(engine, blocks_made).moved);
    });
    CHECK(go_on<TestType>(one.directory, {.rewritten = std::stoull(left), .verified = true}) == "");
  }
}

TEMPLATE_TEST_CASE("Killed while a tree is dropped: it is dropped again, and is gone", "",
                   LmdbAdapter, RocksAdapter) {
  const TempDirectory home;
  const std::string up = home.path() + "/up";
  copy_prepared<TestType>(up);
  REQUIRE(in_child([&] {
            static_cast<void>(bring_up<Store<TestType>>(up, small_batches()));
            return std::string();
          }) == "");
  const auto state = [](const std::string& directory) {
    return in_child([&] {
      TestType engine(engine_in<TestType>(directory));
      const auto known = Ledger<TestType>(engine).tree("work_index");
      const bool there = engine.find_tree("work_index").has_value();
      if (!known) return std::string(there ? "there, and nothing is known of it" : "gone");
      if (known->state == TreeState::held) return std::string(there ? "held" : "lost");
      if (known->state != TreeState::dropping) return std::string("in another state");
      return std::string(there ? "dropping, there" : "dropping, not there");
    });
  };
  std::vector<std::string> states;
  for (std::uint64_t change = 1;; ++change) {
    std::string ended;
    for (const bool after : {false, true}) {
      const std::string directory = copy_of(up);
      ended = in_child([&] {
        // The opening changes nothing: the first change is that of the purge.
        auto store = open<Store<TestType>>(directory, dying<TestType>(change, after));
        store.purge("work_index");
        return std::string("purged");
      });
      if (ended == "purged") break;
      REQUIRE(ended == killed);
      const std::string found = state(directory);
      CAPTURE(change, after, found);
      if (states.empty() || states.back() != found) states.push_back(found);
      CHECK(in_child([&] {
              auto store = open<Store<TestType>>(directory);
              if (!store.held_trees().empty()) store.purge("work_index");
              return contents(store) == contents_of_version_4(blocks_made) ? "" : "other blocks";
            }) == "");
      CHECK(state(directory) == "gone");
    }
    if (ended == "purged") break;
  }
  CHECK(states ==
        std::vector<std::string>{"held", "dropping, there", "dropping, not there", "gone"});
}

TEMPLATE_TEST_CASE("Killed while it verifies: it verifies again, and rewrites nothing", "",
                   LmdbAdapter, RocksAdapter) {
  const std::vector<Dead> verifying = dead<TestType>(Place::verifying);
  REQUIRE_FALSE(verifying.empty());
  const std::string directory = copy_of(verifying.front().directory);
  // Killed once more in the middle of it.
  CHECK(in_child([&] {
          MigratedOptions options = small_batches();
          options.run.progress = [](const MigrationProgress& now) {
            if (now.verifying) ::raise(SIGKILL);
          };
          static_cast<void>(open<Store<TestType>>(directory, options));
          return std::string("opened");
        }) == killed);
  CHECK(found_in<TestType>(directory) == "verifying");
  CHECK(go_on<TestType>(directory, {.verified = true}) == "");
}

TEMPLATE_TEST_CASE("Killed around the end of a run: it is verified again, or it is done", "",
                   LmdbAdapter, RocksAdapter) {
  const std::vector<Dead> verifying = dead<TestType>(Place::verifying);
  const std::vector<Dead> done = dead<TestType>(Place::done);
  REQUIRE_FALSE(verifying.empty());
  REQUIRE_FALSE(done.empty());
  CHECK(verifying.back().change == done.front().change);
  CHECK_FALSE(verifying.back().after);
  CHECK(go_on<TestType>(verifying.back().directory, {.verified = true}) == "");
  for (const Dead& one : done) {
    CAPTURE(one.change, one.after);
    CHECK(go_on<TestType>(one.directory, {}) == "");
  }
}

TEMPLATE_TEST_CASE("Killed at any change behind the begin: an old program is refused as too old",
                   "", LmdbAdapter, RocksAdapter) {
  for (const Dead& one : dead<TestType>()) {
    CAPTURE(one.change, one.after);
    const std::string status = in_child([&] {
      TestType engine(engine_in<TestType>(one.directory));
      const Ledger<TestType> ledger(engine);
      return std::string(to_string(
          find_schema(steps_of<ToTwo>(), ledger.head(), ledger.run(), ledger.steps(), true)
              .status));
    });
    CHECK(status == (one.found == "before" ? "older" : "newer"));
  }
}
