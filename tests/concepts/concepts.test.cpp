// SPDX-License-Identifier: Apache-2.0
// What each concept accepts, and that it accepts no less: every near miss has one thing wrong.
#include "concepts/archetypes.hpp"

#include "catch.hpp"

using namespace varve;
using namespace varve::archetypes;

// Readers

static_assert(KvReader<Reader> && KvReader<Engine> && KvReader<Everything>);
static_assert(!KvReader<int>);
static_assert(!KvReader<GetCopies> && !KvReader<GetMutates> && !KvReader<GetOfThrowingView>);
static_assert(!KvReader<ContainsCounts>);
static_assert(!KvReader<ScanWithoutOrder> && !KvReader<ScanWithoutDefault> &&
              !KvReader<ScanOfVector>);
static_assert(std::same_as<pinned_t<Reader>, Pinned>);
static_assert(std::same_as<scan_t<Reader>, Scan<Position>>);

// Engines

static_assert(KvEngine<Engine> && KvEngine<Everything> && KvEngine<Immovable>);
static_assert(!KvEngine<Reader> && !KvEngine<Nameless> && !KvEngine<WriteAnswers> &&
              !KvEngine<WriteWithoutDefault> && !KvEngine<OpenTreeAnswersNumber> &&
              !KvEngine<FindTreeMutates> && !KvEngine<DropTreeAnswers> && !KvEngine<TreesOfNames> &&
              !KvEngine<FlushAnswers> && !KvEngine<SizeIsInt> && !KvEngine<LimitsMutates> &&
              !KvEngine<ThrowingMove> && !KvEngine<ThrowingEnd>);

// Refinements: all of them, none of them, and each without its one operation

static_assert(SnapshotEngine<Everything> && MultiGetEngine<Everything> && CountEngine<Everything> &&
              BulkLoadEngine<Everything> && CheckpointEngine<Everything> &&
              CompactEngine<Everything> && TransactionalDropEngine<Everything> &&
              TailEngine<Everything> && TransactionalEngine<Everything>);
static_assert(!SnapshotEngine<Engine> && !MultiGetEngine<Engine> && !CountEngine<Engine> &&
              !BulkLoadEngine<Engine> && !CheckpointEngine<Engine> && !CompactEngine<Engine> &&
              !TransactionalDropEngine<Engine> && !TailEngine<Engine> &&
              !TransactionalEngine<Engine>);

namespace {

struct SnapshotOfNothing : Everything {
  [[nodiscard]] int snapshot() const;
};
struct MultiGetOfCopies : Everything {
  void multi_get(Tree, std::span<const BytesView>, std::span<std::optional<std::string>>) const;
};
struct CountMutates : Everything {
  std::uint64_t approximate_count(Tree, KeyRange);
};
struct LoaderWithoutFinish {
  void put(BytesView, BytesView);
};
struct LoadsForever : Everything {
  LoaderWithoutFinish bulk_loader(Tree);
};
struct CheckpointAnswers : Everything {
  bool checkpoint(const std::string&);
};
struct CompactWithoutRange : Everything {
  void compact(Tree);
};
struct DropsOne : Everything {
  void write_and_drop(const WriteBatch&, Tree, Durability);
};
struct TailWithoutEnd : Engine {
  [[nodiscard]] TailPosition tail(std::uint64_t) const;
};
struct CommitSaysNothing : Transaction {
  void commit(Durability);
};
struct TransactionSaysNothing : Everything {
  CommitSaysNothing begin_transaction();
};

static_assert(KvEngine<SnapshotOfNothing> && !SnapshotEngine<SnapshotOfNothing>);
static_assert(KvEngine<MultiGetOfCopies> && !MultiGetEngine<MultiGetOfCopies>);
static_assert(KvEngine<CountMutates> && !CountEngine<CountMutates>);
static_assert(KvEngine<LoadsForever> && !BulkLoadEngine<LoadsForever>);
static_assert(KvEngine<CheckpointAnswers> && !CheckpointEngine<CheckpointAnswers>);
static_assert(KvEngine<CompactWithoutRange> && !CompactEngine<CompactWithoutRange>);
static_assert(KvEngine<DropsOne> && !TransactionalDropEngine<DropsOne>);
static_assert(KvEngine<TailWithoutEnd> && !TailEngine<TailWithoutEnd>);
static_assert(KvEngine<TransactionSaysNothing> && !TransactionalEngine<TransactionSaysNothing>);

}  // namespace

// Codecs

static_assert(Codec<Text> && CodecFor<Text, std::string> && KeyCodecFor<Text, std::string>);
static_assert(!CodecFor<Text, int> && !ViewCodecFor<Text, std::string>);
static_assert(!Codec<StatefulText> && !Codec<NamelessText>);
static_assert(Codec<AnonymousText> && !CodecFor<AnonymousText, std::string>);
static_assert(Codec<WriteOnlyText> && !CodecFor<WriteOnlyText, std::string>);
static_assert(CodecFor<UnorderedText, std::string> && !KeyCodecFor<UnorderedText, std::string>);
static_assert(ByteSink<std::string> && !ByteSink<int>);

// Steps

static_assert(Migration<archetypes::Step> && RecordMigration<archetypes::Step>);
static_assert(!Migration<Leap> && !Migration<FromNothing> && !Migration<Undescribed> &&
              !Migration<Unversioned>);
static_assert(Migration<ConvertsToElse> && !RecordMigration<ConvertsToElse>);

// Hashes and files

static_assert(Hasher<Hash> && !Hasher<ShortHash> && !Hasher<HashWithoutUpdate> &&
              !Hasher<KeyedHash> && !Hasher<NamelessHash>);
static_assert(FileHandle<File> && !FileHandle<UnsyncedFile>);
static_assert(FileSystem<Files> && !FileSystem<FilesOfUnsynced> &&
              !FileSystem<FilesThatLockNothing> && !FileSystem<FilesThatCannotRename> &&
              !FileSystem<FilesThatNeverSync> && !FileSystem<FilesWithoutEnd>);

// Layers: what they hand up, at any depth, and what they must account for

static_assert(EngineLayer<ForwardsAll<Engine>> && EngineLayer<ForwardsAll<Everything>>);
static_assert(!SnapshotEngine<ForwardsAll<Engine>> && !TailEngine<ForwardsAll<Engine>>);

template <class E>
inline constexpr bool has_everything =
    SnapshotEngine<E> && MultiGetEngine<E> && CountEngine<E> && BulkLoadEngine<E> &&
    CheckpointEngine<E> && CompactEngine<E> && TransactionalDropEngine<E> && TailEngine<E> &&
    TransactionalEngine<E>;
static_assert(has_everything<ForwardsAll<ForwardsAll<ForwardsAll<Everything>>>>);

static_assert(EngineLayer<BlocksAll<Everything>>);
static_assert(!SnapshotEngine<BlocksAll<Everything>> && !BulkLoadEngine<BlocksAll<Everything>> &&
              !TransactionalEngine<BlocksAll<Everything>> &&
              !CheckpointEngine<BlocksAll<Everything>> && !TailEngine<BlocksAll<Everything>>);
static_assert(MultiGetEngine<BlocksAll<Everything>> && CompactEngine<BlocksAll<Everything>>);
static_assert(!SnapshotEngine<ForwardsAll<BlocksAll<Everything>>>);

static_assert(EngineLayer<ForgetsMultiGet<Engine>>);
static_assert(!EngineLayer<ForgetsMultiGet<Everything>>);
static_assert(KvEngine<ForgetsMultiGet<Everything>>);
static_assert(!EngineLayer<AccountsForNothing<Engine>> &&
              !KvEngine<AccountsForNothing<Everything>>);
static_assert(!EngineLayer<Engine> && !EngineLayer<int>);
static_assert(std::same_as<lowest_t<ForwardsAll<BlocksAll<Everything>>>, Everything>);

TEST_CASE("concepts: every loud twin agrees with its concept") {
  STATIC_REQUIRE(assert_kv_reader<Reader>());
  STATIC_REQUIRE(assert_kv_engine<Everything>());
  STATIC_REQUIRE(assert_layer<ForwardsAll<Everything>>());
  STATIC_REQUIRE(assert_layer<BlocksAll<Everything>>());
  STATIC_REQUIRE(assert_codec_for<Text, std::string>());
  STATIC_REQUIRE(assert_migration<archetypes::Step>());
  STATIC_REQUIRE(assert_hasher<Hash>());
  STATIC_REQUIRE(assert_file_system<Files>());
}
