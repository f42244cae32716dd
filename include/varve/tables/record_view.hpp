// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/kv_reader.hpp>

#include <optional>

namespace varve {

/// A record read in place: the engine's owner of the bytes, and the codec's view of them. Nothing
/// is copied, and it stays where it is made, since the view may point into it. It must die before
/// its engine.
template <PinnedValue Pinned, class View>
class RecordView {
 public:
  /// `read()` gives the owner, in its place; `make(bytes)` the view, where there is a record.
  template <class Read, class Make>
  RecordView(const Read& read, const Make& make) : pinned_(read()) {
    if (pinned_) view_.emplace(make(pinned_->view()));
  }
  RecordView(const RecordView&) = delete;
  RecordView& operator=(const RecordView&) = delete;

  /// Whether there is a record.
  [[nodiscard]] explicit operator bool() const noexcept { return view_.has_value(); }

  /// Errors: `invalid_argument` where there is no record.
  [[nodiscard]] const View& operator*() const {
    if (view_) return *view_;
    throw Error(ErrorKind::invalid_argument,
                {.message = "there is no record under this key: test the view before it is used",
                 .operation = "view",
                 .layer = "table"});
  }
  [[nodiscard]] const View* operator->() const { return &**this; }

 private:
  std::optional<Pinned> pinned_;
  std::optional<View> view_;
};

}  // namespace varve
