// SPDX-License-Identifier: Apache-2.0
//
// What a hash of the state trie takes: nodes of 64 bytes, short values, and one proof.
#include <varve/merkle/suites.hpp>
#include <varve/merkle/verify.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace varve::merkle;

constexpr std::size_t count = 4096;

std::vector<DigestPair> made_pairs() {
  std::vector<DigestPair> pairs(count);
  for (std::size_t i = 0; i < count; ++i) {
    pairs[i].first = Blake3::value_digest(std::to_string(i));
    pairs[i].second = Blake3::value_digest(std::to_string(i + count));
  }
  return pairs;
}

void set_each(benchmark::State& state, std::size_t each) {
  const auto hashes = static_cast<double>(state.iterations()) * static_cast<double>(each);
  state.counters["microseconds"] =
      benchmark::Counter(hashes / 1e6, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class S>
void node_batched(benchmark::State& state, std::size_t width) {
  const std::vector<DigestPair> pairs = made_pairs();
  std::vector<Digest> out(count);
  std::vector<HashJob> jobs;
  for (std::size_t i = 0; i < count; ++i) {
    jobs.push_back({pairs[i].first.data(), pairs[i].second.data(), out[i].data()});
  }
  limit_lanes(width);
  if (lanes() != width) state.SkipWithError("this processor does not hash so many at once");
  for (auto _ : state) {
    S::nodes(jobs);
    benchmark::DoNotOptimize(out.data());
  }
  limit_lanes(16);
  set_each(state, count);
}

template <class S>
void node_alone(benchmark::State& state) {
  const std::vector<DigestPair> pairs = made_pairs();
  std::vector<Digest> out(count);
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) out[i] = S::node(pairs[i].first, pairs[i].second);
    benchmark::DoNotOptimize(out.data());
  }
  set_each(state, count);
}

/// With the plain operations of every compiler.
void node_plain(benchmark::State& state) {
  const std::vector<DigestPair> pairs = made_pairs();
  std::vector<Digest> out(count);
  constexpr std::uint32_t flags =
      blake3::derive_key_material | blake3::chunk_start | blake3::chunk_end | blake3::root;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) {
      std::uint32_t m[16];
      blake3::load_block(m, reinterpret_cast<const std::byte*>(&pairs[i]), blake3::block_bytes);
      out[i] = blake3::to_digest(
          blake3::compress_words(Blake3::node_role, m, 0, blake3::block_bytes, flags));
    }
    benchmark::DoNotOptimize(out.data());
  }
  if (out[7] != Blake3::node(pairs[7].first, pairs[7].second)) {
    state.SkipWithError("the hashes are others");
  }
  set_each(state, count);
}

template <class S>
void value(benchmark::State& state, std::size_t size, bool batched) {
  const std::string bytes(count + size, 'v');
  std::vector<std::string_view> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(std::string_view(bytes).substr(i, size));
  std::vector<Digest> out(count);
  for (auto _ : state) {
    if (batched) {
      S::value_digests(values, out);
    } else {
      for (std::size_t i = 0; i < count; ++i) out[i] = S::value_digest(values[i]);
    }
    benchmark::DoNotOptimize(out.data());
  }
  set_each(state, count);
}

template <class S>
void proof(benchmark::State& state) {
  const std::vector<DigestPair> pairs = made_pairs();
  MerkleProof path;
  path.kind = ProofKind::present;
  for (std::size_t d = 0; d < 21; ++d) path.siblings.push_back(pairs[d].first);
  const Digest root = root_of<S>(path, S::key_digest("accounts", "key"), S::value_digest("value"));
  const std::string bytes = encode_proof<S>(path);
  bool holds = true;
  for (auto _ : state) {
    holds = holds && static_cast<bool>(verify<S>(root, "accounts", "key", "value", bytes));
  }
  if (!holds) state.SkipWithError("the proof is refused");
  set_each(state, 1);
}

[[maybe_unused]] const bool registered = [] {
  const auto add = [](const std::string& name, auto body) {
    benchmark::RegisterBenchmark(("6/hash_" + name).c_str(), body);
  };
  for (const std::size_t width : {1U, 4U, 8U, 16U}) {
    add("node/batched_" + std::to_string(width),
        [width](benchmark::State& state) { node_batched<Blake3>(state, width); });
  }
  add("node/alone", node_alone<Blake3>);
  add("node/plain", node_plain);
  add("node/sha256", node_alone<Ics23Sha256>);
  for (const std::size_t size : {40U, 100U, 1000U, 12000U}) {
    const std::string name = "value_" + std::to_string(size);
    add(name + "/batched", [size](benchmark::State& state) { value<Blake3>(state, size, true); });
    add(name + "/alone", [size](benchmark::State& state) { value<Blake3>(state, size, false); });
    add(name + "/sha256",
        [size](benchmark::State& state) { value<Ics23Sha256>(state, size, false); });
  }
  add("proof/blake3", proof<Blake3>);
  add("proof/sha256", proof<Ics23Sha256>);
  return true;
}();

}  // namespace
