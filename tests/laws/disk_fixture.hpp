// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/open.hpp>

#include "temp_directory.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace varve_test {

/// Fresh stacks in directories of their own, for the conformance kit. `Stack` is opened through
/// `varve::open` with `options` each time.
template <class Stack, class... Options>
class DiskFixture {
 public:
  using Engine = Stack;

  explicit DiskFixture(Options... options)
      : open_([options...](const std::string& directory) {
          return std::unique_ptr<Stack>(new Stack(varve::open<Stack>(directory, options...)));
        }) {}

  [[nodiscard]] std::unique_ptr<Stack> make() {
    std::string directory = fresh_directory();
    auto engine = open_(directory);
    directories_.insert_or_assign(engine.get(), std::move(directory));
    return engine;
  }

  [[nodiscard]] std::unique_ptr<Stack> reopen(std::unique_ptr<Stack> engine) {
    auto node = directories_.extract(engine.get());
    engine.reset();
    engine = open_(node.mapped());
    directories_.insert_or_assign(engine.get(), std::move(node.mapped()));
    return engine;
  }

  [[nodiscard]] std::string fresh_directory() { return root_ / std::to_string(++count_); }

  /// A checkpoint is a directory of the engine: a store is a directory around it.
  [[nodiscard]] std::unique_ptr<Stack> open_at(const std::string& checkpoint) {
    const std::string store = fresh_directory();
    std::filesystem::create_directory(store);
    const auto name = std::string(varve::BytesView(varve::lowest_t<Stack>::name));
    std::filesystem::create_directory_symlink(checkpoint, store + "/" + name);
    return open_(store);
  }

 private:
  TempDirectory root_;
  int count_ = 0;
  std::function<std::unique_ptr<Stack>(const std::string&)> open_;
  std::map<const Stack*, std::string> directories_;
};

}  // namespace varve_test
