// SPDX-License-Identifier: Apache-2.0
//
// The store of a DAG in six trees: vertices, edges, metadata, an index by height, an index by time,
// and the finalized ones. Every answer of the store is compared with one that was counted from the
// input alone.

#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/cached.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>
#include <varve/tables/range_v3.hpp>
#include <varve/tables/set.hpp>

#include <range/v3/view/reverse.hpp>
#include <range/v3/view/take.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "catalogue/workplace.hpp"
#include "read_file.hpp"

namespace {

constexpr const char* usage =
    R"(usage: dag [FILE]

Keeps the commits of FILE, or such as are made up, as vertices and edges with indexes, and asks.

  FILE   a line a commit, parents first: its number, its name in 16 hexadecimal digits, its Unix
         time, and the numbers of its parents with blanks between; tabs between these. Also
         compressed, as FILE.zst
)";

using Id = std::array<std::uint8_t, 8>;

struct Vertex {
  Id id{};
  std::uint64_t height = 0;
  std::int64_t time = 0;
  std::uint32_t parents = 0;
};

struct Edge {
  Id child{};
  std::uint32_t place = 0;  ///< among the parents of the child
  Id parent{};
};

struct Note {
  std::string name;
  std::string text;
};

using Vertices = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, varve::Packed,
                              varve::Index<"by_height", &Vertex::height>,
                              varve::Index<"by_time", &Vertex::time>>;
using Edges = varve::Table<"edges", varve::Key<&Edge::child, &Edge::place>, Edge, varve::Packed,
                           varve::Index<"by_parent", &Edge::parent>>;
using Metadata = varve::Table<"metadata", varve::Key<&Note::name>, Note, varve::Packed>;
using Finalized = varve::Set<"finalized", Id>;

using Store = varve::Cached<varve::RocksAdapter>;

/// What stands in the input.
struct Commit {
  Id id{};
  std::int64_t time = 0;
  std::vector<std::size_t> parents;
};

Id id_of(const std::string& digits) {
  Id id{};
  for (std::size_t i = 0; i != id.size(); ++i) {
    id[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  }
  return id;
}

std::vector<Commit> read_commits(const std::string& path) {
  std::istringstream lines(examples::read_file(path));
  std::vector<Commit> commits;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line.compare(0, 2, "id") == 0) continue;
    std::istringstream fields(line);
    std::size_t number = 0;
    std::string name;
    Commit commit;
    fields >> number >> name >> commit.time;
    if (!fields || number != commits.size() || name.size() != 16) {
      throw std::runtime_error("'" + path + "' has a line that is no commit: " + line);
    }
    commit.id = id_of(name);
    for (std::size_t parent = 0; fields >> parent;) commit.parents.push_back(parent);
    commits.push_back(std::move(commit));
  }
  return commits;
}

/// A main line, and branches that are merged into it.
std::vector<Commit> made_commits() {
  std::vector<Commit> commits;
  std::uint64_t random = 1;
  for (std::size_t i = 0; i != 3000; ++i) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    Commit commit;
    for (std::size_t byte = 0; byte != 8; ++byte) {
      commit.id[byte] = static_cast<std::uint8_t>((random ^ i) >> (8 * byte));
    }
    commit.time = 1'600'000'000 + static_cast<std::int64_t>(i) * 20'000;
    if (i != 0) commit.parents.push_back(i - 1 - (random >> 33U) % std::min<std::size_t>(i, 5));
    if (i > 10 && (random >> 40U) % 4 == 0 && commit.parents[0] != i - 1) {
      commit.parents.push_back(i - 1);
    }
    commits.push_back(std::move(commit));
  }
  return commits;
}

int year_of(std::int64_t time) {
  const std::chrono::sys_seconds at{std::chrono::seconds(time)};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  return static_cast<int>(day.year());
}

std::int64_t start_of(int year) {
  return std::chrono::sys_seconds(std::chrono::sys_days(std::chrono::year(year) / 1 / 1))
      .time_since_epoch()
      .count();
}

/// What is counted from the input alone.
struct Known {
  std::vector<std::uint64_t> heights;
  std::set<Id> tips;
  std::map<int, std::uint64_t> merges;
  std::set<std::size_t> ancestors;  ///< of the highest
  std::size_t highest = 0;

  explicit Known(const std::vector<Commit>& commits) {
    std::vector<bool> has_child(commits.size());
    for (const Commit& commit : commits) {
      std::uint64_t height = 0;
      for (const std::size_t parent : commit.parents) {
        height = std::max(height, heights.at(parent) + 1);
        has_child[parent] = true;
      }
      heights.push_back(height);
      if (commit.parents.size() > 1) ++merges[year_of(commit.time)];
    }
    for (std::size_t i = 0; i != commits.size(); ++i) {
      if (!has_child[i]) tips.insert(commits[i].id);
      if (heights[i] > heights[highest]) highest = i;
    }
    for (std::deque<std::size_t> left{highest}; !left.empty(); left.pop_front()) {
      for (const std::size_t parent : commits[left.front()].parents) {
        if (ancestors.insert(parent).second) left.push_back(parent);
      }
    }
  }
};

void claim(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("the store and the input differ: " + what);
}

class Dag {
 public:
  explicit Dag(Store& store)
      : store_(store), vertices_(store), edges_(store), metadata_(store), finalized_(store) {}

  /// A thousand commits a batch: vertices, edges and index entries, all of them or none.
  void load(const std::vector<Commit>& commits, const Known& known) {
    varve::TableBatch batch(store_);
    for (std::size_t i = 0; i != commits.size(); ++i) {
      const Commit& commit = commits[i];
      const auto count = static_cast<std::uint32_t>(commit.parents.size());
      vertices_.put(batch, {commit.id, known.heights[i], commit.time, count});
      for (std::uint32_t place = 0; place != count; ++place) {
        edges_.put(batch, {commit.id, place, commits[commit.parents[place]].id});
      }
      if (batch.count() < 2000 && i + 1 != commits.size()) continue;
      metadata_.put(batch, {"loaded", std::to_string(i + 1)});
      batch.write(varve::Durability::buffered);
      batch.clear();
    }
    store_.flush();
  }

  [[nodiscard]] std::set<Id> tips() const {
    std::set<Id> tips;
    for (const Id& id : vertices_.all().keys()) {
      if (edges_.by<"by_parent">().equal(id).empty()) tips.insert(id);
    }
    return tips;
  }

  /// Those that a vertex was made from, all the way down.
  [[nodiscard]] std::set<Id> ancestors(const Id& of) const {
    std::set<Id> found;
    for (std::deque<Id> left{of}; !left.empty(); left.pop_front()) {
      for (const auto& edge : edges_.prefix(left.front()).views()) {
        const Id parent = edge.get<&Edge::parent>();
        if (found.insert(parent).second) left.push_back(parent);
      }
    }
    return found;
  }

  [[nodiscard]] std::map<int, std::uint64_t> merges_by_year() const {
    std::map<int, std::uint64_t> merges;
    const int first = year_of(vertices_.by<"by_time">().first()->time);
    const int last = year_of(vertices_.by<"by_time">().last()->time);
    for (int year = first; year <= last; ++year) {
      const auto of_year = vertices_.by<"by_time">().between(start_of(year), start_of(year + 1));
      for (const auto& vertex : of_year.views()) {
        if (vertex.get<&Vertex::parents>() > 1) ++merges[year];
      }
    }
    return merges;
  }

  void finalize(const std::set<Id>& ids) {
    varve::WriteBatch batch;
    for (const Id& id : ids) finalized_.insert(batch, id);
    store_.write(batch);
  }

  [[nodiscard]] const auto& vertices() const { return vertices_; }
  [[nodiscard]] const auto& edges() const { return edges_; }
  [[nodiscard]] const auto& metadata() const { return metadata_; }
  [[nodiscard]] const auto& finalized() const { return finalized_; }

 private:
  Store& store_;
  Vertices::On<Store> vertices_;
  Edges::On<Store> edges_;
  Metadata::On<Store> metadata_;
  Finalized::On<Store> finalized_;
};

void answer(const Dag& dag, const std::vector<Commit>& commits, const Known& known) {
  const auto& vertices = dag.vertices();
  const std::uint64_t count = vertices.count();
  claim(count == commits.size(), "the number of vertices");
  claim(dag.metadata().get("loaded")->text == std::to_string(count), "what was loaded");
  const auto tips = dag.tips();
  claim(tips == known.tips, "the tips");
  const auto roots = vertices.by<"by_height">().equal(0U).count();
  std::cout << count << " vertices, " << dag.edges().count() << " edges, " << roots << " roots, "
            << tips.size() << " tips\n";

  const auto highest = *vertices.by<"by_height">().last();
  claim(highest.height == known.heights[known.highest], "the greatest height");
  for (std::uint64_t height = 0; height <= highest.height; height += 997) {
    const auto expected = std::count(known.heights.begin(), known.heights.end(), height);
    const auto found = vertices.by<"by_height">().equal(height).count();
    claim(found == static_cast<std::uint64_t>(expected), "height " + std::to_string(height));
  }
  const Id top = commits[known.highest].id;
  const auto ancestors = dag.ancestors(top);
  std::set<Id> expected;
  for (const std::size_t i : known.ancestors) expected.insert(commits[i].id);
  claim(ancestors == expected, "the ancestors of the highest");
  std::cout << "height " << highest.height << ", with " << ancestors.size() << " ancestors\n";

  const auto merges = dag.merges_by_year();
  claim(merges == known.merges, "the merges by year");
  std::uint64_t all = 0;
  for (const auto& [year, number] : merges) all += number;
  std::cout << all << " merges:";
  for (const auto& [year, number] : merges) std::cout << ' ' << year << ": " << number;
  std::cout << "\nthe last three at:";
  for (const Vertex& vertex :
       vertices.by<"by_time">() | ranges::views::reverse | ranges::views::take(3)) {
    std::cout << ' ' << vertex.time;
  }
  std::cout << '\n';

  claim(vertices.verify_indexes().good() && dag.edges().verify_indexes().good(), "an index");
  std::cout << "every index entry is right\n";
}

void run(const std::string& path) {
  const std::vector<Commit> commits = path.empty() ? made_commits() : read_commits(path);
  const Known known(commits);
  catalogue::Workplace workplace("", false);
  const std::string directory = workplace.fresh("dag");
  const auto start = std::chrono::steady_clock::now();
  {
    auto store = varve::open<Store>(directory);
    Dag(store).load(commits, known);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << "loaded in " << seconds.count() << " s\n";

  auto store = varve::open<Store>(directory);
  Dag dag(store);
  answer(dag, commits, known);

  const auto ancestors = dag.ancestors(commits[known.highest / 2].id);
  dag.finalize(ancestors);
  claim(dag.finalized().count() == ancestors.size(), "the finalized");
  std::cout << dag.finalized().count() << " finalized\n";
  for (const varve::TreeInfo& tree : store.trees()) std::cout << "tree " << tree.name << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  const std::string path = count == 2 ? arguments[1] : "";
  if (count > 2 || path.starts_with('-')) {
    const bool asked = path == "--help";
    (asked ? std::cout : std::cerr) << usage;
    return asked ? 0 : 2;
  }
  try {
    run(path);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "dag: " << error.what() << '\n';
    return 1;
  }
}
