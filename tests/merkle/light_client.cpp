// SPDX-License-Identifier: Apache-2.0
//
// A client that has the header of the verification, what that includes, and nothing else.
//
//   light_client ROOT TREE KEY VALUE|- PROOF      all in hexadecimal; - where the key is absent

#include <varve/merkle/verify.hpp>

#include <cstdio>
#include <optional>
#include <string>

namespace {

std::string from_hex(const char* text) {
  std::string bytes;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (; text[0] != '\0' && text[1] != '\0'; text += 2) {
    bytes += static_cast<char>(digit(text[0]) * 16 + digit(text[1]));
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string root_bytes = from_hex(argv[1]);
  varve::merkle::Digest root{};
  for (std::size_t i = 0; i < root.size(); ++i) root[i] = static_cast<std::byte>(root_bytes.at(i));
  const std::string value_bytes = from_hex(argv[4]);
  std::optional<varve::BytesView> value = value_bytes;
  if (argv[4][0] == '-') value.reset();
  const varve::merkle::Verdict verdict =
      varve::merkle::verify(root, from_hex(argv[2]), from_hex(argv[3]), value, from_hex(argv[5]));
  std::printf("%.*s\n", static_cast<int>(verdict.message().size()), verdict.message().data());
  return verdict ? 0 : 1;
}
