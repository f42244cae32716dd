// SPDX-License-Identifier: Apache-2.0
#include "merkle/reference.hpp"

#include <varve/concepts/hasher.hpp>
#include <varve/merkle/sha256.hpp>

#include "catch.hpp"

#include <cstddef>
#include <string>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::to_hex;

static_assert(varve::assert_hasher<Sha256Hasher>());

TEST_CASE("Sha256Hasher: the examples of the standard") {
  CHECK(to_hex(sha256_of({})) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256_of({"abc"})) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256_of({"abcdbcdecdefdefgefghfghighij", "hijkijkljklmklmnlmnomnopnopq"})) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256_of({std::string(1000000, 'a')})) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("Sha256Hasher: the digest does not depend on how the message was cut") {
  std::string bytes(300, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const BytesView whole = BytesView(bytes).substr(0, size);
    const Digest expected = sha256_of({whole});
    for (const std::size_t piece : {1U, 3U, 63U, 64U, 65U, 130U}) {
      Sha256Hasher hasher;
      for (std::size_t at = 0; at < size; at += piece) hasher.update(whole.substr(at, piece));
      INFO(size << " in pieces of " << piece);
      REQUIRE(hasher.finish() == expected);
    }
  }
}

TEST_CASE("SHA-256: the processor's instructions and the portable code agree") {
#if defined(VARVE_SHA256_INSTRUCTIONS)
  if (!sha256::has_sha_instructions()) {
    WARN("this processor has no SHA instructions: not tried");
    return;
  }
  std::string blocks(64 * 9, '\0');
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<char>(i * i + 3 * i);
  sha256::State plain = sha256::initial;
  sha256::State fast = sha256::initial;
  for (std::size_t count = 1; count <= 9; ++count) {
    sha256::compress_portable(plain, blocks.data(), count);
    sha256::compress_sha(fast, blocks.data(), count);
    CHECK(plain == fast);
  }
#else
  WARN("this build has no SHA instructions: not tried");
#endif
}
