// SPDX-License-Identifier: Apache-2.0
//
// An engine from outside, over std::map. It copies where a real one would share, and keeps every
// law.

#include <varve/testing/laws.hpp>

#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

using namespace varve;

// [map_engine]
class MapEngine {
  using Entries = std::map<std::string, std::string>;

  static auto& of(auto& data, Tree tree) {
    if (const auto found = data.find(tree); found != data.end()) return found->second;
    throw Error(ErrorKind::invalid_argument,
                {.message = "no such tree: open it by its name first", .layer = "map"});
  }

 public:
  static constexpr BytesView name = "map";

  struct Pinned {  // owns the value that it shows
    std::string value;
    BytesView view() const noexcept { return value; }
  };

  struct Cursor {  // goes over a copy: the one state at which the scan was made
    std::vector<std::pair<std::string, std::string>> entries;
    std::size_t at = 0;
    bool valid() const { return at < entries.size(); }
    Entry entry() const { return {entries[at].first, entries[at].second}; }
    void next() { ++at; }
  };

  std::optional<Pinned> get(Tree tree, BytesView key) const {
    const std::lock_guard lock(*mutex_);
    const Entries& entries = of(data_, tree);
    const auto found = entries.find(std::string(key));
    return found == entries.end() ? std::nullopt : std::optional(Pinned{found->second});
  }

  bool contains(Tree tree, BytesView key) const { return get(tree, key).has_value(); }

  Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    const std::lock_guard lock(*mutex_);
    Cursor cursor;
    for (const auto& entry : of(data_, tree)) {
      if (range.contains(entry.first)) cursor.entries.emplace_back(entry);
    }
    auto& met = cursor.entries;
    if (order == Order::descending) met = {met.rbegin(), met.rend()};
    return Scan(std::move(cursor));
  }

  void write(const WriteBatch& batch, Durability = Durability::synced) {
    const std::lock_guard lock(*mutex_);
    auto changed = data_;  // all or nothing
    for (const WriteOp op : batch) {
      Entries& entries = of(changed, op.tree);
      const std::string key(op.key);
      const auto at = entries.lower_bound(key);
      switch (op.kind) {
        case WriteOpKind::put: entries[key] = op.value; break;
        case WriteOpKind::erase: entries.erase(key); break;
        case WriteOpKind::erase_from: entries.erase(at, entries.end()); break;
        case WriteOpKind::erase_range:
          entries.erase(at, entries.lower_bound(std::string(op.value)));
      }
    }
    data_ = std::move(changed);
  }

  Tree open_tree(BytesView tree_name) {
    check_tree_name(tree_name, name);
    if (const auto found = find_tree(tree_name)) return *found;
    const std::lock_guard lock(*mutex_);
    trees_.push_back({Tree(++last_number_, tree_name), std::string(tree_name)});
    data_[trees_.back().tree];
    return trees_.back().tree;
  }

  std::optional<Tree> find_tree(BytesView tree_name) const {
    for (const TreeInfo& info : trees()) {
      if (info.name == tree_name) return info.tree;
    }
    return std::nullopt;
  }

  void drop_tree(Tree tree) {
    const std::lock_guard lock(*mutex_);
    of(data_, tree);
    data_.erase(tree);
    std::erase_if(trees_, [&](const TreeInfo& info) { return info.tree == tree; });
  }

  std::vector<TreeInfo> trees() const {
    const std::lock_guard lock(*mutex_);
    return trees_;
  }

  void flush() {}
  std::uint64_t size_on_disk() const { return 0; }
  Limits limits() const { return {1U << 30U, 1U << 30U, 1U << 30U}; }

 private:
  std::map<Tree, Entries> data_;
  std::vector<TreeInfo> trees_;
  std::uint32_t last_number_ = 0;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
};
// [/map_engine]

// [check_laws]
int main() {
  static_assert(assert_kv_engine<MapEngine>());

  if (const auto broken = testing::check_laws([] { return MapEngine(); })) {
    std::cerr << to_string(*broken) << '\n';
    return 1;
  }
  std::cout << "MapEngine keeps every law\n";
}
// [/check_laws]
