// SPDX-License-Identifier: Apache-2.0
//
// ledger_verify FILE: what somebody does who has a state root, and trusts nobody. This program
// knows nothing of stores: of the toolkit it includes the one header that checks proofs.
#include <varve/merkle/verify.hpp>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

namespace {

std::string bytes_of(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: ledger_verify FILE\n";
    return 2;
  }
  std::ifstream file(arguments[1]);
  std::string root, tree, key, value, proof;
  if (!(file >> root >> tree >> key >> value >> proof)) {
    std::cerr << arguments[1] << " does not hold a root, a tree, a key, a value and a proof\n";
    return 2;
  }
  varve::merkle::Digest digest{};
  const std::string root_bytes = bytes_of(root);
  for (std::size_t i = 0; i != digest.size() && i != root_bytes.size(); ++i) {
    digest[i] = static_cast<std::byte>(root_bytes[i]);
  }
  std::string value_bytes = bytes_of(value);
  const auto check = [&] {
    return varve::merkle::verify(digest, tree, bytes_of(key), value_bytes, bytes_of(proof));
  };
  const bool holds = static_cast<bool>(check());
  std::cout << "the proof of " << proof.size() / 2 << " bytes " << (holds ? "holds" : "is refused")
            << '\n';
  value_bytes.back() = static_cast<char>(value_bytes.back() ^ 1);
  const bool forged = static_cast<bool>(check());
  std::cout << "with one bit of the value changed it " << (forged ? "holds" : "is refused") << '\n';
  return holds && !forged ? EXIT_SUCCESS : EXIT_FAILURE;
}
