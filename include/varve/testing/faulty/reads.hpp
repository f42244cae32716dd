// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/fault_plan.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::testing::detail {

using SharedPlan = std::shared_ptr<FaultPlan>;

/// Makes a call, wrong where the plan says so.
template <class Act>
auto with_faults(FaultPlan& plan, Call call, const char* operation, Act act) {
  const std::optional<Fault> fault = plan.called(call);
  const auto fail = [&] {
    throw Error(fault->kind, {.message = "a planned fault: the call was to fail",
                              .operation = operation,
                              .layer = "faulty"});
  };
  if (fault && fault->effect == Effect::fails) fail();
  if constexpr (std::is_void_v<decltype(act(fault))>) {
    act(fault);
    if (fault && fault->effect == Effect::fails_after) fail();
  } else {
    auto result = act(fault);
    if (fault && fault->effect == Effect::fails_after) fail();
    return result;
  }
}

/// The value that a fault gives in place of `value`, where it is another one.
[[nodiscard]] inline std::optional<std::string> damaged(const std::optional<Fault>& fault,
                                                        BytesView value) {
  if (!fault || value.empty()) return std::nullopt;
  if (fault->effect == Effect::cuts_value) return std::string(value.substr(0, value.size() / 2));
  if (fault->effect != Effect::flips_bit) return std::nullopt;
  std::string other(value);
  char& middle = other[other.size() / 2];
  middle = static_cast<char>(static_cast<unsigned char>(middle) ^ 1U);
  return other;
}

template <PinnedValue P>
class FaultyValue {
 public:
  FaultyValue(P value, const std::optional<Fault>& fault)
      : damaged_(damaged(fault, value.view())), value_(std::move(value)) {}

  [[nodiscard]] BytesView view() const noexcept {
    return damaged_ ? BytesView(*damaged_) : value_.view();
  }

 private:
  std::optional<std::string> damaged_;
  P value_;
};

template <EntryScan S>
class FaultyCursor {
 public:
  FaultyCursor(S scan, SharedPlan plan, const std::optional<Fault>& fault)
      : scan_(std::move(scan)), plan_(std::move(plan)) {
    if (scan_.valid()) damaged_ = damaged(fault, scan_.entry().value);
  }

  [[nodiscard]] bool valid() const noexcept { return scan_.valid(); }

  [[nodiscard]] Entry entry() const {
    const Entry entry = scan_.entry();
    return {entry.key, damaged_ ? BytesView(*damaged_) : entry.value};
  }

  void next() {
    with_faults(*plan_, Call::next, "scan", [&](const std::optional<Fault>& fault) {
      scan_.next();
      if (scan_.valid()) damaged_ = damaged(fault, scan_.entry().value);
    });
  }

 private:
  S scan_;
  SharedPlan plan_;
  std::optional<std::string> damaged_;
};

/// The reads of an engine, a snapshot or a transaction, with the faults of a plan.
template <KvReader R>
struct FaultyReads {
  using Value = FaultyValue<pinned_t<R>>;
  using ScanType = Scan<FaultyCursor<scan_t<R>>>;

  static std::optional<Value> get(const SharedPlan& plan, const R& reader, Tree tree,
                                  BytesView key) {
    return with_faults(*plan, Call::get, "get", [&](const std::optional<Fault>& fault) {
      std::optional<Value> value;
      if (auto found = reader.get(tree, key)) value.emplace(std::move(*found), fault);
      return value;
    });
  }

  static bool contains(const SharedPlan& plan, const R& reader, Tree tree, BytesView key) {
    return with_faults(*plan, Call::contains, "contains",
                       [&](const std::optional<Fault>&) { return reader.contains(tree, key); });
  }

  static ScanType scan(const SharedPlan& plan, const R& reader, Tree tree, KeyRange range,
                       Order order) {
    return with_faults(*plan, Call::scan, "scan", [&](const std::optional<Fault>& fault) {
      return ScanType(FaultyCursor<scan_t<R>>(reader.scan(tree, range, order), plan, fault));
    });
  }

  static void multi_get(const SharedPlan& plan, const R& reader, Tree tree,
                        std::span<const BytesView> keys, std::span<std::optional<Value>> values)
    requires varve::detail::HasMultiGet<R>
  {
    with_faults(*plan, Call::multi_get, "multi_get", [&](const std::optional<Fault>& fault) {
      std::vector<std::optional<pinned_t<R>>> found(values.size());
      reader.multi_get(tree, keys, found);
      for (std::size_t i = 0; i < found.size(); ++i) {
        values[i].reset();
        if (found[i]) values[i].emplace(std::move(*found[i]), fault);
      }
    });
  }
};

/// A snapshot whose reads go wrong as those of its layer.
template <KvReader S>
class FaultySnapshot {
 public:
  FaultySnapshot(S snapshot, SharedPlan plan) noexcept
      : snapshot_(std::move(snapshot)), plan_(std::move(plan)) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const {
    return FaultyReads<S>::get(plan_, snapshot_, tree, key);
  }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return FaultyReads<S>::contains(plan_, snapshot_, tree, key);
  }
  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return FaultyReads<S>::scan(plan_, snapshot_, tree, range, order);
  }

 protected:
  S snapshot_;
  SharedPlan plan_;
};

}  // namespace varve::testing::detail
