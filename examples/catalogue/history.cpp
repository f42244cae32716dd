// SPDX-License-Identifier: Apache-2.0
#include "history.hpp"

#include "../proof_file.hpp"
#include "catalogue.hpp"
#include "proof.hpp"
#include "questions.hpp"
#include "store.hpp"
#include "text.hpp"

#include <varve/layers/versioned.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace catalogue {

namespace {

using examples::ProofFile;
using varve::Height;

// [history]
/// The catalogue with its past: each list that is taken in is a height. What needs a thing follows
/// from what things need, and is no part of the root.
using History = varve::Versioned<varve::Cached<Durable>>;

History open_history(const std::string& directory) {
  return varve::open<History>(directory,
                              varve::VersionedOptions{.outside_root = {"rdepends", "children"}});
}

/// Makes the catalogue what the list says. Of all that is written here only what differs becomes
/// part of the height; where nothing does, there is none.
void take_in(History& store, const Source& list) {
  const Catalogue catalogue(store, list.words);
  varve::WriteBatch batch;
  for (const varve::Tree tree : {catalogue.things(), catalogue.needs(), catalogue.needed_by()}) {
    batch.erase_range(tree, varve::KeyRange::all());
  }
  for (const Item& item : list.items) catalogue.add(batch, item);
  store.write(batch);
}
// [/history]

/// A thing that two heights do not have alike.
struct Difference {
  std::string name;
  std::optional<Facts> before;
  std::optional<Facts> after;
};

// [changes]
std::vector<Difference> differences(const History& store, const Words& words, Height from,
                                    Height to) {
  const auto facts = [](const std::optional<varve::BytesView>& record) {
    return record ? std::optional(decode_facts(*record)) : std::nullopt;
  };
  const auto things = store.find_tree(words.things);
  std::vector<Difference> found;
  for (const varve::HeightChange& change : store.changes(from, to)) {
    if (change.tree != things) continue;
    found.push_back({std::string(change.key), facts(change.before), facts(change.after)});
  }
  return found;
}
// [/changes]

std::string in_words(const Difference& one) {
  std::string words = left(one.name, 28) + "  ";
  if (!one.before) return words + "new: " + one.after->version;
  if (!one.after) return words + "gone: " + one.before->version;
  if (one.before->version != one.after->version) {
    return words + one.before->version + " -> " + one.after->version;
  }
  return words + one.after->version + ", with other facts";
}

std::string in_words(const std::vector<Difference>& all, const Words& words) {
  const auto count = [&](auto kind) {
    return grouped(static_cast<std::uint64_t>(std::ranges::count_if(all, kind)));
  };
  return count([](const Difference& one) { return one.before && one.after; }) + " " +
         std::string(words.things) + " differ, " +
         count([](const Difference& one) { return !one.before; }) + " are new, " +
         count([](const Difference& one) { return !one.after; }) + " are gone";
}

// [prove]
/// What the catalogue held under a name at a height, and the proof of it.
ProofFile prove_thing(const History& store, const Words& words, const std::string& name,
                      Height height) {
  const varve::Tree tree = *store.find_tree(words.things);
  ProofFile file{.tree = std::string(words.things),
                 .key = name,
                 .value = std::nullopt,
                 .proof = store.prove(tree, name, height)};
  if (const auto held = store.get_versioned(tree, name, height)) file.value = held->view();
  return file;
}

bool holds(const varve::StateRoot& root, const ProofFile& file) {
  const auto verdict = varve::merkle::verify(root, file.tree, file.key, file.value, file.proof);
  return static_cast<bool>(verdict);
}
// [/prove]

/// What the list was before its last update: the release itself, where this machine has that list;
/// else one that is made up, in which the newest are not there yet and some packages are older.
Source list_before(const Source& today) {
  const bool packages = today.words.things == package_words().things;
  if (packages) {
    Source release = read_release();
    std::set<std::string_view> names;
    for (const Item& item : today.items) names.insert(item.name);
    std::erase_if(release.items, [&](const Item& item) { return !names.contains(item.name); });
    std::set<std::pair<std::string_view, std::string_view>> versions;
    for (const Item& item : today.items) versions.emplace(item.name, item.facts.version);
    if (std::ranges::any_of(release.items, [&](const Item& item) {
          return !versions.contains({item.name, item.facts.version});
        })) {
      return release;
    }
  }
  Source before = today;
  before.origin = packages ? "an earlier list, made up" : "before the newest commits";
  const std::size_t newest = today.items.size() / 100 + 1;
  before.items.erase(before.items.begin(), before.items.begin() + static_cast<long>(newest));
  for (std::size_t i = 0; packages && i < before.items.size(); i += 97) {
    before.items[i].facts.version += "~before";
  }
  return before;
}

/// The one of that name; else of those that were and are there, the one that is needed most.
const Difference& worth_a_look(const Catalogue<History>& catalogue,
                               const std::vector<Difference>& changed, const std::string& name) {
  const auto named = std::ranges::find(changed, name, &Difference::name);
  if (named != changed.end()) return *named;
  const Difference* found = &changed.at(0);
  std::uint64_t most = 0;
  for (const Difference& one : changed) {
    if (!one.before || !one.after) continue;
    std::uint64_t count = 0;
    for ([[maybe_unused]] const varve::Entry entry : catalogue.needing(one.name)) ++count;
    if (count > std::exchange(most, std::max(most, count))) found = &one;
  }
  return *found;
}

void take_in_and_tell(Terminal& terminal, History& store, const Source& list) {
  const Height before = store.latest();
  terminal.draw("   taking in " + grouped(list.items.size()) + " " +
                std::string(list.words.things));
  const auto start = std::chrono::steady_clock::now();
  take_in(store, list);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  terminal.draw("");
  terminal.line("   height " + std::to_string(store.latest().value) + "  " + list.origin + ": " +
                grouped(list.items.size()) + " " + std::string(list.words.things) +
                (store.latest() == before ? ", as they were before" : "") + ", in " +
                duration(taken.count()));
  terminal.line("   root      " + examples::hex(store.root()));
}

}  // namespace

void show_history(Terminal& terminal, const Source& today, const std::string& named,
                  const std::string& directory) {
  constexpr Height then{1};
  constexpr Height now{2};
  terminal.chapter("The past: every list that is taken in is a height");
  auto store = open_history(directory);
  const Catalogue<History> catalogue(store, today.words);
  terminal.draw("   reading the list as it was before");
  take_in_and_tell(terminal, store, list_before(today));
  const Proof first = prove(catalogue);
  take_in_and_tell(terminal, store, today);
  terminal.line();

  const auto changed = differences(store, today.words, then, now);
  terminal.line("   " + terminal.strong(in_words(changed, today.words)));
  constexpr std::size_t rows = 5;
  for (std::size_t i = 0; i < std::min(rows, changed.size()); ++i) {
    const std::size_t room = std::min<std::size_t>(terminal.width(), 100) - 6;
    terminal.line("     " + shortened(in_words(changed[i]), room));
  }
  if (changed.size() > rows) {
    terminal.line("     " + terminal.faint("and " + grouped(changed.size() - rows) + " more"));
  }
  terminal.line();

  const Difference& one = worth_a_look(catalogue, changed, named);
  const std::string& name = one.name;
  terminal.line("   asked at height 1" + (one.after ? "; now it is " + one.after->version : "") +
                ":");
  terminal.line();
  // [past]
  auto past = store.at(then);
  const Catalogue earlier(catalogue, past);
  Questions(terminal, earlier, today.words).about(name);
  // [/past]
  terminal.check(prove(earlier) == first,
                 "height 1 holds what it held, digest " + hex(first.digest));

  ProofFile proof = prove_thing(store, today.words, name, then);
  terminal.check(holds(store.root(then), proof),
                 "a proof of " + grouped(proof.proof.size()) +
                     " bytes shows to whoever has the root of height 1 " +
                     (proof.value ? "what " + name + " was" : "that it was not there"));
  terminal.check(!holds(store.root(now), proof), "and with the root of height 2 it is refused");
  const varve::StateRoot root = store.root(then);
  store.rollback(then);
  terminal.check(store.root() == root && prove(catalogue) == first,
                 "the update is taken back: height 1 again, with its root");
}

namespace {

constexpr const char* history_usage =
    R"(Usage: catalogue history VERB ...

A catalogue of packages that keeps its past in the store DIR: each list is a height.

  import DIR [FILE...]       take in lists: files Packages of an archive, also compressed; without
                             FILE this machine's package index
  roots DIR                  the heights and their roots
  changes DIR [FROM [TO]]    what differs between two heights (the last two)
  about DIR NAME [HEIGHT]    what a package was at a height (the last)
  prove DIR NAME [HEIGHT]    the same with a proof, as `verify_proof ROOT FILE` takes it
  rollback DIR HEIGHT        take back what came after a height
)";

Height height_of(const std::string& word) {
  Height height;
  const char* const end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(word.data(), end, height.value);
  if (failure != std::errc() || stop != end) {
    throw std::invalid_argument("a height is a number, not '" + word + "'");
  }
  return height;
}

/// One verb on an open store; `words` are those behind the directory.
class Verbs {
 public:
  Verbs(History& store, const std::vector<std::string>& words) : store_(&store), words_(words) {}

  void import() {
    if (words_.empty()) return take_in_and_tell(terminal_, *store_, read_source("", 500'000));
    for (const std::string& file : words_) {
      take_in_and_tell(terminal_, *store_, read_packages(file));
    }
  }

  void roots() const {
    for (Height at = store_->oldest(); at <= store_->latest(); ++at.value) {
      std::cout << at.value << ' ' << examples::hex(store_->root(at)) << '\n';
    }
  }

  void changes() const {
    const Height latest = store_->latest();
    const Height to = words_.size() > 1 ? height_of(words_[1]) : latest;
    const Height from = words_.empty()
                            ? Height{std::max(store_->oldest().value + 1, latest.value) - 1}
                            : height_of(words_[0]);
    const auto changed = differences(*store_, package_words(), from, to);
    for (const Difference& one : changed) std::cout << in_words(one) << '\n';
    std::cout << "between the heights " << from.value << " and " << to.value << ' '
              << in_words(changed, package_words()) << '\n';
  }

  void about() {
    auto past = store_->at(height(1));
    const Catalogue latest(*store_, package_words());
    Questions(terminal_, Catalogue(latest, past), package_words()).about(words_.at(0));
  }

  void prove() const {
    std::cout << prove_thing(*store_, package_words(), words_.at(0), height(1));
  }

  void rollback() { store_->rollback(height(0)); }

 private:
  [[nodiscard]] Height height(std::size_t at) const {
    return at < words_.size() ? height_of(words_[at]) : store_->latest();
  }

  History* store_;
  std::vector<std::string> words_;
  Terminal terminal_;
};

struct Verb {
  std::string_view name;
  std::size_t least;  ///< words behind the directory
  std::size_t most;
  void (*run)(Verbs&);
};

constexpr Verb all_verbs[] = {
    {"import", 0, 1000, [](Verbs& verbs) { verbs.import(); }},
    {"roots", 0, 0, [](Verbs& verbs) { verbs.roots(); }},
    {"changes", 0, 2, [](Verbs& verbs) { verbs.changes(); }},
    {"about", 1, 2, [](Verbs& verbs) { verbs.about(); }},
    {"prove", 1, 2, [](Verbs& verbs) { verbs.prove(); }},
    {"rollback", 1, 1, [](Verbs& verbs) { verbs.rollback(); }},
};

}  // namespace

int history(const std::vector<std::string>& words) {
  const auto verb = std::ranges::find(all_verbs, words.empty() ? "" : words[0], &Verb::name);
  const bool fits = verb != std::end(all_verbs) && words.size() >= 2 + verb->least &&
                    words.size() <= 2 + verb->most;
  if (!fits) {
    const bool asked = !words.empty() && (words[0] == "--help" || words[0] == "-h");
    std::fputs(history_usage, asked ? stdout : stderr);
    return asked ? 0 : 2;
  }
  const std::string& directory = words[1];
  if (verb->name != "import" && !std::filesystem::exists(directory)) {
    throw std::runtime_error("there is no store in '" + directory +
                             "': `history import` makes one");
  }
  auto store = open_history(directory);
  Verbs verbs(store, {words.begin() + 2, words.end()});
  verb->run(verbs);
  return 0;
}

}  // namespace catalogue
