// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/testing/any/thing.hpp>

#include <optional>
#include <utility>

/// Readers of every type as one type, with what they hand out.
namespace varve::testing::detail {

/// A pinned value.
class AnyValue {
 public:
  template <PinnedValue P>
  [[nodiscard]] static AnyValue of(P pinned) {
    return AnyValue(AnyThing::of(std::move(pinned)),
                    [](const AnyThing& owner) noexcept { return owner.as<P>().view(); });
  }

  [[nodiscard]] BytesView view() const noexcept { return view_(pinned_); }
  [[nodiscard]] AnyThing& pinned() noexcept { return pinned_; }

 private:
  using View = BytesView (*)(const AnyThing& owner) noexcept;

  AnyValue(AnyThing pinned, View how) noexcept : pinned_(std::move(pinned)), view_(how) {}

  AnyThing pinned_;
  View view_;
};

template <PinnedValue P>
[[nodiscard]] std::optional<AnyValue> any_value(std::optional<P> pinned) {
  if (!pinned) return std::nullopt;
  return AnyValue::of(std::move(*pinned));
}

/// The cursor of a scan.
class AnyCursor {
 public:
  template <EntryScan S>
  [[nodiscard]] static AnyCursor of(S scan) {
    return AnyCursor(AnyThing::of(std::move(scan)), &how_to<S>);
  }

  [[nodiscard]] bool valid() const noexcept { return how_->valid(scan_); }
  [[nodiscard]] Entry entry() const { return how_->entry(scan_); }
  void next() { how_->next(scan_); }

 private:
  struct How {
    bool (*valid)(const AnyThing& scan) noexcept;
    Entry (*entry)(const AnyThing& scan);
    void (*next)(AnyThing& scan);
  };

  template <class S>
  static constexpr How how_to{[](const AnyThing& scan) noexcept { return scan.as<S>().valid(); },
                              [](const AnyThing& scan) { return scan.as<S>().entry(); },
                              [](AnyThing& scan) { scan.as<S>().next(); }};

  AnyCursor(AnyThing scan, const How* how) noexcept : scan_(std::move(scan)), how_(how) {}

  AnyThing scan_;
  const How* how_;
};

using AnyScan = Scan<AnyCursor>;

template <EntryScan S>
[[nodiscard]] AnyScan any_scan(S scan) {
  return AnyScan(AnyCursor::of(std::move(scan)));
}

/// A reader that is owned: a snapshot, or a transaction.
class AnyReader {
 public:
  template <KvReader R>
  [[nodiscard]] static AnyReader of(R reader) {
    return AnyReader(AnyThing::of(std::move(reader)), &how_to<R>);
  }

  [[nodiscard]] std::optional<AnyValue> get(Tree tree, BytesView key) const {
    return how_->get(reader_, tree, key);
  }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return how_->contains(reader_, tree, key);
  }
  [[nodiscard]] AnyScan scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return how_->scan(reader_, tree, range, order);
  }

  [[nodiscard]] AnyThing& reader() noexcept { return reader_; }

 private:
  struct How {
    std::optional<AnyValue> (*get)(const AnyThing& reader, Tree tree, BytesView key);
    bool (*contains)(const AnyThing& reader, Tree tree, BytesView key);
    AnyScan (*scan)(const AnyThing& reader, Tree tree, KeyRange range, Order order);
  };

  template <class R>
  static constexpr How how_to{[](const AnyThing& reader, Tree tree, BytesView key) {
                                return any_value(reader.as<R>().get(tree, key));
                              },
                              [](const AnyThing& reader, Tree tree, BytesView key) {
                                return reader.as<R>().contains(tree, key);
                              },
                              [](const AnyThing& reader, Tree tree, KeyRange range, Order order) {
                                return any_scan(reader.as<R>().scan(tree, range, order));
                              }};

  AnyReader(AnyThing reader, const How* how) noexcept : reader_(std::move(reader)), how_(how) {}

  AnyThing reader_;
  const How* how_;
};

}  // namespace varve::testing::detail
