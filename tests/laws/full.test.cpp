// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>

using namespace varve;
using testing::Faulty;
using testing::FullEngine;
using testing::MinimalEngine;

namespace {

template <class E>
inline constexpr bool has_everything =
    SnapshotEngine<E> && MultiGetEngine<E> && CountEngine<E> && BulkLoadEngine<E> &&
    CheckpointEngine<E> && CompactEngine<E> && TransactionalDropEngine<E> && TailEngine<E> &&
    TransactionalEngine<E>;

template <class E>
inline constexpr bool has_nothing_more =
    KvEngine<E> && !SnapshotEngine<E> && !MultiGetEngine<E> && !CountEngine<E> &&
    !BulkLoadEngine<E> && !CheckpointEngine<E> && !CompactEngine<E> &&
    !TransactionalDropEngine<E> && !TailEngine<E> && !TransactionalEngine<E>;

/// An engine that keeps its files only in checkpoints.
class FullFixture {
 public:
  using Engine = FullEngine;

  [[nodiscard]] std::unique_ptr<Engine> make() { return std::make_unique<Engine>(); }
  [[nodiscard]] std::string fresh_directory() { return root_ / std::to_string(++count_); }
  [[nodiscard]] std::unique_ptr<Engine> open_at(const std::string& directory) {
    return std::make_unique<Engine>(FullEngine::from_checkpoint(directory));
  }
  [[nodiscard]] std::unique_ptr<Engine> reopen(std::unique_ptr<Engine> engine) {
    const std::string directory = fresh_directory();
    engine->checkpoint(directory);
    return open_at(directory);
  }

 private:
  varve_test::TempDirectory root_;
  int count_ = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("Over an engine with nothing more, layers keep every law and add nothing", "",
                   VARVE_STACKS_OF_LANE(Metered<Counted<Faulty<MinimalEngine>>>, MinimalEngine,
                                        Counted<MinimalEngine>, Metered<MinimalEngine>)) {
  static_assert(has_nothing_more<TestType>);
  const auto broken = testing::check_laws([] { return open<TestType>(); });
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEMPLATE_TEST_CASE("Over an engine with everything, layers keep every law and lose nothing", "",
                   VARVE_STACKS_OF_LANE(Metered<Counted<Faulty<FullEngine>>>, FullEngine,
                                        Counted<FullEngine>, Metered<FullEngine>)) {
  static_assert(has_everything<TestType>);
  const auto broken = testing::check_laws([] { return open<TestType>(); });
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEST_CASE("FullEngine: keeps the laws of checkpoints and of reopening") {
  FullFixture fixture;
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  CHECK(testing::law_numbers(fixture).size() == 43);
}

TEST_CASE("FullEngine: a checkpoint is private, and one that is cut off is corruption") {
  const varve_test::TempDirectory root;
  FullEngine engine;
  engine.write(WriteBatch().put(engine.open_tree("t"), "key", "value"));
  engine.checkpoint(root / "checkpoint");
  using std::filesystem::perms;
  const perms mode = std::filesystem::status(root / "checkpoint").permissions();
  CHECK(mode == perms::owner_all);
  const std::string file = root / "checkpoint/state";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  try {
    static_cast<void>(FullEngine::from_checkpoint(root / "checkpoint"));
    FAIL("a file that is cut off was taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corruption);
  }
  try {
    static_cast<void>(FullEngine::from_checkpoint(root / "nowhere"));
    FAIL("a directory that is not there was opened");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::io);
  }
}
