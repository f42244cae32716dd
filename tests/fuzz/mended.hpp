// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fuzz/fuzz.hpp"

#include <algorithm>

/// What a target defines besides: makes the checksums right, so that what is behind them is met.
void mend(std::string& input, unsigned seed);

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  std::string input(reinterpret_cast<const char*>(data), size);
  mend(input, seed);
  input.resize(std::min(input.size(), most));
  std::copy(input.begin(), input.end(), reinterpret_cast<char*>(data));
  return input.size();
}
