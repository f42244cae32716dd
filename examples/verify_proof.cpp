// SPDX-License-Identifier: Apache-2.0
//
// verify_proof ROOT FILE: what somebody does who has a state root, and trusts nobody. This program
// knows nothing of stores: of the toolkit it includes the one header that checks proofs.
#include <varve/merkle/verify.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>

#include "proof_file.hpp"

namespace {

constexpr const char* usage =
    R"(usage: verify_proof ROOT FILE

  ROOT   the state root, 64 hexadecimal digits
  FILE   tree, key, value and proof, as the ledger and `catalogue history prove` write them

Ends with 0 where the proof holds, 1 where it does not, 2 where there is nothing to verify.
)";

varve::merkle::Digest root_of(const std::string& digits) {
  const std::string bytes = examples::from_hex(digits);
  varve::merkle::Digest root{};
  if (bytes.size() != root.size()) throw std::invalid_argument("a root has 64 hexadecimal digits");
  std::ranges::copy(std::as_bytes(std::span(bytes)), root.begin());
  return root;
}

// [verify]
varve::merkle::Verdict judge(const varve::merkle::Digest& root, const examples::ProofFile& said) {
  return varve::merkle::verify(root, said.tree, said.key, said.value, said.proof);
}
// [/verify]

int run(const std::string& root_digits, const std::string& path) {
  const varve::merkle::Digest root = root_of(root_digits);
  std::ifstream in(path);
  if (!in) throw std::runtime_error("there is no file '" + path + "'");
  examples::ProofFile said = examples::read_proof_file(in);
  const auto verdict = judge(root, said);
  std::cout << "the proof of " << said.proof.size() << " bytes "
            << (verdict ? "holds" : "is refused: " + std::string(verdict.message())) << '\n';
  if (!verdict || !said.value || said.value->empty()) return verdict ? EXIT_SUCCESS : EXIT_FAILURE;

  said.value->back() = static_cast<char>(said.value->back() ^ 1);
  const auto forged = judge(root, said);
  std::cout << "with one bit of the value changed it "
            << (forged ? "holds" : "is refused: " + std::string(forged.message())) << '\n';
  return forged ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int main(int count, char** arguments) {
  const bool asked = count == 2 && std::string(arguments[1]) == "--help";
  if (count != 3) {
    (asked ? std::cout : std::cerr) << usage;
    return asked ? EXIT_SUCCESS : 2;
  }
  try {
    return run(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::cerr << "verify_proof: " << error.what() << '\n';
    return 2;
  }
}
