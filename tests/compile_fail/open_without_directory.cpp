// SPDX-License-Identifier: Apache-2.0
// expect-error: this stack keeps files: give open the directory of the store first
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

#include <string>

using namespace varve;

class FileEngine : public testing::MinimalEngine {
 public:
  explicit FileEngine(const std::string& /*directory*/) {}
};

int main() {
#ifdef CONTROL
  auto stack = open<Counted<FileEngine>>("data");
#else
  auto stack = open<Counted<FileEngine>>();
#endif
  stack.flush();
}
