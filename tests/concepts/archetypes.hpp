// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/concepts.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Types that declare just what a concept asks for, and near misses: the same with one thing wrong.
namespace varve::archetypes {

struct Position {
  [[nodiscard]] bool valid() const;
  [[nodiscard]] Entry entry() const;
  void next();
};

struct Pinned {
  [[nodiscard]] BytesView view() const noexcept;
};

struct Reader {
  [[nodiscard]] std::optional<Pinned> get(Tree, BytesView) const;
  [[nodiscard]] bool contains(Tree, BytesView) const;
  [[nodiscard]] Scan<Position> scan(Tree, KeyRange, Order = Order::ascending) const;
};

struct Engine : Reader {
  static constexpr BytesView name = "archetype";
  void write(const WriteBatch&, Durability = Durability::synced);
  Tree open_tree(BytesView);
  [[nodiscard]] std::optional<Tree> find_tree(BytesView) const;
  void drop_tree(Tree);
  [[nodiscard]] std::vector<TreeInfo> trees() const;
  void flush();
  [[nodiscard]] std::uint64_t size_on_disk() const;
  [[nodiscard]] Limits limits() const;
};

struct Loader {
  void put(BytesView, BytesView);
  void finish();
};

struct TailPosition {
  [[nodiscard]] bool valid() const;
  [[nodiscard]] std::uint64_t sequence() const;
  [[nodiscard]] const WriteBatch& batch() const;
  void next();
};

struct Transaction : Reader {
  void put(Tree, BytesView, BytesView);
  void erase(Tree, BytesView);
  void erase_range(Tree, KeyRange);
  bool commit(Durability);
};

/// An engine with every refinement.
struct Everything : Engine {
  [[nodiscard]] Reader snapshot() const;
  void multi_get(Tree, std::span<const BytesView>, std::span<std::optional<Pinned>>) const;
  [[nodiscard]] std::uint64_t approximate_count(Tree, KeyRange) const;
  Loader bulk_loader(Tree);
  void checkpoint(const std::string&);
  void compact(Tree, KeyRange);
  void write_and_drop(const WriteBatch&, std::span<const Tree>, Durability);
  [[nodiscard]] std::uint64_t last_sequence() const;
  [[nodiscard]] TailPosition tail(std::uint64_t) const;
  Transaction begin_transaction();
};

// Near misses of KvReader.

struct GetCopies : Reader {
  [[nodiscard]] std::optional<std::string> get(Tree, BytesView) const;
};
struct GetMutates : Reader {
  std::optional<Pinned> get(Tree, BytesView);
};
struct ThrowingView {
  [[nodiscard]] BytesView view() const;
};
struct GetOfThrowingView : Reader {
  [[nodiscard]] std::optional<ThrowingView> get(Tree, BytesView) const;
};
struct ContainsCounts : Reader {
  [[nodiscard]] int contains(Tree, BytesView) const;
};
struct ScanWithoutOrder : Reader {
  [[nodiscard]] Scan<Position> scan(Tree, KeyRange) const;
};
struct ScanWithoutDefault : Reader {
  [[nodiscard]] Scan<Position> scan(Tree, KeyRange, Order) const;
};
struct ScanOfVector : Reader {
  [[nodiscard]] std::vector<Entry> scan(Tree, KeyRange, Order = Order::ascending) const;
};

// Near misses of KvEngine.

struct Nameless : Reader {
  void write(const WriteBatch&, Durability = Durability::synced);
  Tree open_tree(BytesView);
  [[nodiscard]] std::optional<Tree> find_tree(BytesView) const;
  void drop_tree(Tree);
  [[nodiscard]] std::vector<TreeInfo> trees() const;
  void flush();
  [[nodiscard]] std::uint64_t size_on_disk() const;
  [[nodiscard]] Limits limits() const;
};
struct WriteAnswers : Engine {
  bool write(const WriteBatch&, Durability = Durability::synced);
};
struct WriteWithoutDefault : Engine {
  void write(const WriteBatch&, Durability);
};
struct OpenTreeAnswersNumber : Engine {
  std::uint32_t open_tree(BytesView);
};
struct FindTreeMutates : Engine {
  std::optional<Tree> find_tree(BytesView);
};
struct DropTreeAnswers : Engine {
  bool drop_tree(Tree);
};
struct TreesOfNames : Engine {
  [[nodiscard]] std::vector<std::string> trees() const;
};
struct FlushAnswers : Engine {
  bool flush();
};
struct SizeIsInt : Engine {
  [[nodiscard]] int size_on_disk() const;
};
struct LimitsMutates : Engine {
  Limits limits();
};
struct ThrowingMove : Engine {
  ThrowingMove(ThrowingMove&&) noexcept(false);
};
struct ThrowingEnd : Engine {
  ThrowingEnd(const ThrowingEnd&) = delete;
  ~ThrowingEnd() noexcept(false);
};
struct Immovable : Engine {
  Immovable();
  Immovable(Immovable&&) = delete;
};

// Codecs, steps, hashes.

struct Text {
  static constexpr BytesView name = "text";
  static constexpr bool ordered = true;
  template <class Sink>
  static void encode(const std::string&, Sink&);
  template <class T>
  static T decode(BytesView);
  template <class T>
  static BytesView identity();
};
struct StatefulText : Text {
  int state;
};
struct NamelessText {
  template <class Sink>
  static void encode(const std::string&, Sink&);
  template <class T>
  static T decode(BytesView);
  template <class T>
  static BytesView identity();
};
struct AnonymousText {
  static constexpr BytesView name = "text";
  template <class Sink>
  static void encode(const std::string&, Sink&);
  template <class T>
  static T decode(BytesView);
};
struct WriteOnlyText : Text {
  template <class T>
  static void decode(BytesView);
};
struct UnorderedText : Text {
  static constexpr bool ordered = false;
};

struct Step {
  static constexpr std::uint32_t from = 1;
  static constexpr std::uint32_t to = 2;
  static constexpr auto description = "from one to two";
  using In = int;
  using Out = long;
  static long convert(const int&);
};
struct Leap : Step {
  static constexpr std::uint32_t to = 3;
};
struct FromNothing : Step {
  static constexpr std::uint32_t from = 0;
  static constexpr std::uint32_t to = 1;
};
struct Undescribed {
  static constexpr std::uint32_t from = 1;
  static constexpr std::uint32_t to = 2;
};
struct Unversioned {
  static constexpr auto description = "from somewhere to elsewhere";
};
struct ConvertsToElse : Step {
  static int convert(const int&);
};

struct Hash {
  static constexpr BytesView name = "none";
  static constexpr std::size_t size = 32;
  void update(BytesView);
  std::array<std::byte, 32> finish();
};
struct ShortHash : Hash {
  std::array<std::byte, 16> finish();
};
struct KeyedHash : Hash {
  explicit KeyedHash(BytesView key);
};
struct NamelessHash {
  static constexpr std::size_t size = 32;
  void update(BytesView);
  std::array<std::byte, 32> finish();
};
struct HashWithoutUpdate {
  static constexpr BytesView name = "none";
  static constexpr std::size_t size = 32;
  std::array<std::byte, 32> finish();
};

struct File {
  void write_at(std::uint64_t, BytesView);
  std::size_t read_at(std::uint64_t, std::span<char>) const;
  void sync();
  void truncate(std::uint64_t);
  void write_through(std::uint64_t, BytesView);
  [[nodiscard]] std::uint64_t size() const;
};
struct Lock {};
struct Files {
  File open(BytesView, OpenMode);
  bool exists(BytesView);
  void rename(BytesView, BytesView);
  void remove(BytesView);
  void create_directory(BytesView);
  void sync_directory(BytesView);
  std::vector<std::string> list(BytesView);
  std::uint64_t free_bytes(BytesView);
  Lock lock(BytesView);
};
struct UnsyncedFile : File {
  bool sync();
};
struct FilesOfUnsynced : Files {
  UnsyncedFile open(BytesView, OpenMode);
};
struct FilesThatCannotRename : Files {
  void rename(BytesView) = delete;
};
struct FilesThatNeverSync : Files {
  void sync_directory(BytesView) = delete;
};
struct FilesWithoutEnd : Files {
  double free_bytes(BytesView);
};
struct FilesThatLockNothing : Files {
  void lock(BytesView);
};

// Layers.

/// Forwards all groups.
template <KvEngine Next>
struct ForwardsAll
    : Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots, Group::writes, Group::bulk,
                           Group::transactions, Group::trees, Group::maintenance,
                           Group::checkpoints, Group::tail>> {
  static constexpr BytesView name = "forwards_all";
  template <class Context>
  explicit ForwardsAll(Context& context) : ForwardsAll::Layer(context) {}
};

/// Blocks every group that can be blocked.
template <KvEngine Next>
struct BlocksAll
    : Layer<Next,
            Forwards<Group::reads, Group::scans, Group::writes, Group::trees, Group::maintenance>,
            Blocks<Group::snapshots, Group::bulk, Group::transactions, Group::checkpoints,
                   Group::tail>> {
  static constexpr BytesView name = "blocks_all";
  template <class Context>
  explicit BlocksAll(Context& context) : BlocksAll::Layer(context) {}
};

/// Handles reads itself, and forgets multi_get.
template <KvEngine Next>
struct ForgetsMultiGet
    : Layer<Next, Forwards<Group::scans, Group::snapshots, Group::writes, Group::bulk,
                           Group::transactions, Group::trees, Group::maintenance,
                           Group::checkpoints, Group::tail>> {
  static constexpr BytesView name = "forgets_multi_get";
  template <class Context>
  explicit ForgetsMultiGet(Context& context) : ForgetsMultiGet::Layer(context) {}
  [[nodiscard]] auto get(Tree tree, BytesView key) const { return this->next().get(tree, key); }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return this->next().contains(tree, key);
  }
};

/// Does nothing but stand there: no group is accounted for.
template <KvEngine Next>
struct AccountsForNothing : Layer<Next, Forwards<>> {
  static constexpr BytesView name = "accounts_for_nothing";
  template <class Context>
  explicit AccountsForNothing(Context& context) : AccountsForNothing::Layer(context) {}
};

}  // namespace varve::archetypes
