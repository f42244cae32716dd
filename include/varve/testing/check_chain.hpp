// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/migrations/carry.hpp>
#include <varve/migrations/chain.hpp>
#include <varve/testing/generate.hpp>
#include <varve/testing/golden_file.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::testing {

struct ChainCheck {
  /// Where the bytes of one record of each layout are kept, if not empty. A layout that it does not
  /// have yet is added; what it has must be read, and be written again as it is. Keep the file
  /// beside the tests.
  std::string golden_file{};
  std::uint64_t seed = 1;
  std::size_t records = 300;  ///< that are made of each layout
};

/// What `check_chain` found.
struct ChainReport {
  std::size_t layouts = 0;
  std::size_t conversions = 0;
  std::uint64_t records = 0;  ///< converted
  std::uint64_t refused = 0;  ///< by a conversion that throws; not a problem, unless it takes none
  std::size_t goldens = 0;    ///< compared
  std::size_t new_goldens = 0;
  std::vector<std::string> problems{};
  /// Fields of a new record that the old one has not, and that a conversion left as they are
  /// without one: forgotten, or meant so.
  std::vector<std::string> unset{};

  [[nodiscard]] bool good() const noexcept { return problems.empty(); }
};

namespace detail {

template <class Chain>
class ChainChecker {
 public:
  explicit ChainChecker(const ChainCheck& check)
      : check_(check), random_(check.seed), goldens_(check.golden_file) {}

  [[nodiscard]] ChainReport run() {
    [&]<class... S>(varve::detail::StepList<S...>) {
      const auto each = [&]<class Step, class... A>(Actions<A...>) {
        (check_action<Step, A>(), ...);
      };
      (each.template operator()<S>(typename varve::detail::ActionsOf<S>::type{}), ...);
    }(typename Chain::Steps{});
    goldens_.save();
    report_.goldens = goldens_.compared();
    report_.new_goldens = goldens_.added();
    return std::move(report_);
  }

 private:
  template <class S, class A>
  void check_action() {
    constexpr bool rewrites = A::kind == ActionKind::rewrite;
    if constexpr (rewrites || A::kind == ActionKind::move) {
      where_ = "step " + std::to_string(S::from) + " to " + std::to_string(S::to) + ", tree " +
               std::string(A::tree) + ": ";
      using In = typename A::In;
      using Out = typename A::Out;
      using InCodec = typename A::Source::RecordCodec;
      check_layout<InCodec, In>(A::tree, S::from);
      if constexpr (rewrites) {
        check_layout<InCodec, Out>(A::tree, S::to);
        check_rewrite<S, A>();
      } else {
        check_layout<typename A::Target::RecordCodec, Out>(A::target, S::to);
        check_move<S, A>();
      }
    }
  }

  template <class C, class T>
  [[nodiscard]] static std::string encoded(const T& value) {
    std::string bytes;
    C::encode(value, bytes);
    return bytes;
  }

  void problem(std::string words) {
    constexpr std::size_t most = 100;
    if (report_.problems.size() < most) report_.problems.push_back(where_ + std::move(words));
  }

  /// What is encoded is decoded as what it was; and so is what was kept of it.
  template <class C, class T>
  void check_layout(BytesView tree, std::uint32_t version) {
    ++report_.layouts;
    for (std::size_t i = 0; i != check_.records; ++i) {
      const std::string bytes = encoded<C>(generate<T>(random_));
      if (encoded<C>(C::template decode<T>(BytesView(bytes))) == bytes) continue;
      problem("a record of version " + std::to_string(version) +
              " is encoded otherwise when it was decoded");
      break;
    }
    if (check_.golden_file.empty()) return;
    GeneratorRandom same(version);
    const auto kept = goldens_.find(tree, version, C::template identity<T>(),
                                    [&] { return encoded<C>(generate<T>(same)); });
    if (kept.identity != BytesView(C::template identity<T>())) {
      return problem("the layout of version " + std::to_string(version) + " was '" + kept.identity +
                     "' and is '" + std::string(C::template identity<T>()) +
                     "': a layout that was released stays as it is");
    }
    try {
      if (encoded<C>(C::template decode<T>(BytesView(kept.bytes))) == kept.bytes) return;
      problem("the record of version " + std::to_string(version) +
              " that was kept is encoded otherwise now");
    } catch (const std::exception& error) {
      problem("the record of version " + std::to_string(version) +
              " that was kept cannot be read: " + error.what());
    }
  }

  /// Calls `convert_one` for many records; it answers whether all was well.
  template <class ConvertOne>
  void convert_many(ConvertOne&& convert_one) {
    ++report_.conversions;
    std::uint64_t taken = 0;
    std::string reason;
    for (std::size_t i = 0; i != check_.records; ++i) {
      try {
        if (!convert_one()) return;
        ++taken;
      } catch (const std::exception& error) {
        ++report_.refused;
        reason = error.what();
      }
    }
    report_.records += taken;
    if (taken == 0) problem("the conversion refuses every record that was made: " + reason);
  }

  template <class S, class A>
  void check_rewrite() {
    using In = typename A::In;
    using Out = typename A::Out;
    using C = typename A::Source::RecordCodec;
    std::vector<Out> made;
    convert_many([&] {
      const In before = generate<In>(random_);
      made.push_back(A::convert(before));
      if constexpr (!S::loss.lossy) {
        if (encoded<C>(A::invert(made.back())) != encoded<C>(before)) {
          problem(
              "it is lossless, and the inverse of a conversion is not the record that was "
              "converted: " +
              shown(encoded<C>(before)));
          return false;
        }
      }
      return true;
    });
    find_unset<In>(made);
  }

  template <class S, class A>
  void check_move() {
    using In = typename A::In;
    using C = typename A::Source::RecordCodec;
    convert_many([&] {
      const auto [key, before] = EntryGenerator<typename A::Source, In>::make(random_);
      const std::optional<typename A::Moved> moved = A::convert(key, before);
      if constexpr (!S::loss.lossy) {
        if (!moved) return true;
        const std::optional<typename A::MovedBack> back = A::invert(moved->first, moved->second);
        if (!back || encoded<Ordered>(back->first) != encoded<Ordered>(key) ||
            encoded<C>(back->second) != encoded<C>(before)) {
          problem("it is lossless, and a record does not move back to what it was: key " +
                  shown(encoded<Ordered>(key)));
          return false;
        }
      }
      return true;
    });
  }

  template <class In, class Out>
  void find_unset(const std::vector<Out>& made) {
    if constexpr (varve::detail::StructOfMembers<In> && varve::detail::StructOfMembers<Out>) {
      if (made.empty()) return;
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        (find_unset_member<In, Out, i>(made), ...);
      }(std::make_index_sequence<varve::detail::member_count<Out>>());
    }
  }

  template <class In, class Out, std::size_t i>
  void find_unset_member(const std::vector<Out>& made) {
    constexpr BytesView name = varve::detail::member_name<Out, i>;
    constexpr bool known =
        varve::detail::carrying::place_of<In>(name) != varve::detail::member_count<In>;
    if constexpr (!known) {
      const auto member = [](const Out& record) -> const auto& {
        return varve::detail::with_members(record, [](const auto&... members) -> const auto& {
          return std::get<i>(std::tie(members...));
        });
      };
      using Member = std::remove_cvref_t<decltype(member(made.front()))>;
      if constexpr (std::equality_comparable<Member> && std::default_initializable<Member>) {
        const Out untouched{};
        for (const Out& record : made) {
          if (!(member(record) == member(untouched))) return;
        }
        report_.unset.push_back(where_ + std::string(name));
      }
    }
  }

  [[nodiscard]] static std::string shown(const std::string& bytes) {
    constexpr std::size_t most = 64;
    return GoldenFile::hex(BytesView(bytes).substr(0, most)) + (bytes.size() > most ? "..." : "");
  }

  const ChainCheck& check_;
  GeneratorRandom random_;
  GoldenFile goldens_;
  ChainReport report_;
  std::string where_;
};

}  // namespace detail

/// Checks the conversions of a chain on generated records: that each layout is decoded as it was
/// encoded, that what a lossless step makes leads back to what it was made of, and that the bytes
/// of every layout are those that were kept when it was new. Values are made by `Generator`, keys
/// with their records by `EntryGenerator`.
template <class Chain>
[[nodiscard]] ChainReport check_chain(const ChainCheck& check = {}) {
  return detail::ChainChecker<Chain>(check).run();
}

/// For people, one line for each problem.
[[nodiscard]] inline std::string to_string(const ChainReport& report) {
  std::string text = std::to_string(report.conversions) + " conversions of " +
                     std::to_string(report.records) + " records, " +
                     std::to_string(report.problems.size()) + " problems\n";
  for (const std::string& one : report.problems) text += "  " + one + "\n";
  for (const std::string& one : report.unset) text += "  never set: " + one + "\n";
  return text;
}

}  // namespace varve::testing
