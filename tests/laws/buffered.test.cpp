// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

#include <algorithm>
#include <memory>
#include <type_traits>

using namespace varve;

namespace {

/// Every write only buffered, so that reads have to merge, and some tables handed down meanwhile.
template <KvEngine Next>
class Lazy : public Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots, Group::bulk,
                                         Group::transactions, Group::trees, Group::maintenance,
                                         Group::checkpoints, Group::tail>> {
 public:
  static constexpr BytesView name = "lazy";

  template <class Context>
  explicit Lazy(Context& context) : Lazy::Layer(context) {}

  void write(const WriteBatch& batch, Durability /*durability*/ = Durability::synced) {
    this->next().write(batch, Durability::buffered);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    this->next().write_and_drop(batch, dropped, durability);
  }
};

const BufferedOptions never{.capacity_bytes = 1U << 30U, .max_age_ms = 1U << 30U};
const BufferedOptions always{.capacity_bytes = 1, .max_age_ms = 0};
const BufferedOptions often{.capacity_bytes = 300, .max_age_ms = 1, .waiting_tables = 3};

/// An engine that forgets is not opened again.
template <class Stack>
struct Forgetful {
  using Engine = Stack;

  [[nodiscard]] std::unique_ptr<Stack> make() {
    return std::unique_ptr<Stack>(new Stack(open<Stack>(options)));
  }

  BufferedOptions options;
};

template <class Stack>
using FixtureFor = std::conditional_t<VolatileEngine<Stack>, Forgetful<Stack>,
                                      varve_test::DiskFixture<Stack, BufferedOptions>>;

template <class Stack>
void check_laws_of(const BufferedOptions& options) {
  FixtureFor<Stack> fixture{options};
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  CHECK(testing::law_numbers(fixture).size() >= 23);
}

template <class Stack>
void check_model(const BufferedOptions& options) {
  FixtureFor<Stack> fixture{options};
  const auto failure = testing::run_model_test(fixture, {.operations = 1500});
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}

}  // namespace

TEMPLATE_TEST_CASE("Buffered keeps every law over every engine", "",
                   VARVE_STACKS_OF_LANE(Buffered<testing::FullEngine>,
                                        Buffered<testing::MinimalEngine>, Buffered<MemoryAdapter>,
                                        Buffered<LmdbAdapter>, Buffered<RocksAdapter>)) {
  check_laws_of<TestType>({});
  check_laws_of<TestType>(often);
}

TEMPLATE_TEST_CASE("Buffered keeps every law under a log", "",
                   VARVE_STACKS_OF_LANE(Wal<Buffered<RocksAdapter>>,
                                        Wal<Buffered<testing::FullEngine>>,
                                        Wal<Buffered<LmdbAdapter>>)) {
  check_laws_of<TestType>(never);
  check_laws_of<TestType>(often);
}

TEMPLATE_TEST_CASE("Buffered does as a map does, however much of it is below", "",
                   VARVE_STACKS_OF_LANE(Lazy<Buffered<testing::FullEngine>>,
                                        Lazy<Buffered<testing::MinimalEngine>>,
                                        Lazy<Buffered<MemoryAdapter>>, Lazy<Buffered<LmdbAdapter>>,
                                        Lazy<Buffered<RocksAdapter>>, Wal<Buffered<LmdbAdapter>>)) {
  check_model<TestType>(never);
  check_model<TestType>(always);
  check_model<TestType>(often);
}
