// SPDX-License-Identifier: Apache-2.0
//
// Goal 4: `Packed` beside the peers that are installed, on the same structs. Buffers are used
// again; what is decoded is a new object each time.
#include "codec_peers.hpp"

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using bench::Order;
using bench::Reading;
using bench::Vertex;

struct Packed {
  using Buffer = std::string;
  static std::string_view bytes(const Buffer& buffer) { return buffer; }

  template <class T>
  static void encode(const T& value, Buffer& buffer) {
    buffer.clear();
    varve::Packed::encode(value, buffer);
  }
  template <class T>
  static T decode(std::string_view bytes) {
    return varve::Packed::decode<T>(bytes);
  }
};

template <class Codec, class T>
void encode(benchmark::State& state) {
  const T value = bench::make<T>();
  typename Codec::Buffer buffer;
  for (auto _ : state) {
    benchmark::DoNotOptimize(&value);
    benchmark::ClobberMemory();
    Codec::encode(value, buffer);
    benchmark::DoNotOptimize(Codec::bytes(buffer).data());
  }
  state.counters["bytes"] = static_cast<double>(Codec::bytes(buffer).size());
}

template <class Codec, class T>
void decode(benchmark::State& state) {
  const T value = bench::make<T>();
  typename Codec::Buffer buffer;
  Codec::encode(value, buffer);
  const std::string bytes(Codec::bytes(buffer));
  if (!(Codec::template decode<T>(bytes) == value)) std::abort();
  for (auto _ : state) {
    benchmark::ClobberMemory();
    const T back = Codec::template decode<T>(bytes);
    benchmark::DoNotOptimize(&back);
  }
}

// Views: checked from end to end, then two fields are read.

template <class T, class Read>
void view(benchmark::State& state, Read read) {
  std::string bytes;
  varve::Packed::encode(bench::make<T>(), bytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(read(varve::Packed::view<T>(bytes)));
  }
}

std::uint64_t first_byte(std::string_view text) {
  return static_cast<unsigned char>(text.front()) + text.size();
}

void view_reading(benchmark::State& state) {
  view<Reading>(state, [](auto reading) {
    return reading.template get<&Reading::id>() +
           first_byte(reading.template get<&Reading::unit>());
  });
}
void view_vertex(benchmark::State& state) {
  view<Vertex>(state, [](auto vertex) {
    return vertex.template get<&Vertex::height>() +
           first_byte(vertex.template get<&Vertex::payload>());
  });
}
void view_order(benchmark::State& state) {
  view<Order>(state, [](auto order) {
    return order.template get<&Order::number>() +
           first_byte(order.template get<&Order::lines>()[7].template get<&bench::Line::text>());
  });
}

#if defined(VARVE_BENCH_FLATBUFFERS)

template <class T, class Root, class Read>
void view_flatbuffers(benchmark::State& state, Read read) {
  bench::FlatBuffers::Buffer buffer;
  bench::FlatBuffers::encode(bench::make<T>(), buffer);
  for (auto _ : state) {
    auto bytes = bench::FlatBuffers::bytes(buffer);
    benchmark::DoNotOptimize(bytes);
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(read(*bench::FlatBuffers::root<Root>(bytes)));
  }
}

void view_reading_flatbuffers(benchmark::State& state) {
  view_flatbuffers<Reading, peer::Reading>(state, [](const auto& reading) {
    return reading.id() + first_byte(reading.unit()->string_view());
  });
}
void view_vertex_flatbuffers(benchmark::State& state) {
  view_flatbuffers<Vertex, peer::Vertex>(state, [](const auto& vertex) {
    return vertex.height() + first_byte(vertex.payload()->string_view());
  });
}
void view_order_flatbuffers(benchmark::State& state) {
  view_flatbuffers<Order, peer::Order>(state, [](const auto& order) {
    return order.number() + first_byte(order.lines()->Get(7)->text()->string_view());
  });
}

#endif

/// What nothing can beat: the bytes of the packed record, copied.
template <class T>
void copy(benchmark::State& state) {
  std::string bytes;
  varve::Packed::encode(bench::make<T>(), bytes);
  std::string to(bytes.size(), '\0');
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    std::memcpy(to.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(to.data());
  }
}

// Keys: a string of 24 bytes, escaped, beside the search for zeros and the copy by themselves.

std::string key_text() {
  return bench::Random().text(24);
}

void key_ordered(benchmark::State& state) {
  const std::string text = key_text();
  std::string key;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
    key.clear();
    varve::Ordered::encode(text, key);
    benchmark::DoNotOptimize(key.data());
  }
}

void key_by_hand(benchmark::State& state) {
  const std::string text = key_text();
  std::string key;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
    key.clear();
    const char* first = text.data();
    std::size_t left = text.size();
    while (const void* zero = std::memchr(first, 0, left)) {
      const auto run = static_cast<std::size_t>(static_cast<const char*>(zero) - first) + 1;
      key.append(first, run);
      key.push_back('\xff');
      first += run;
      left -= run;
    }
    key.append(first, left);
    key.append("\0\0", 2);
    benchmark::DoNotOptimize(key.data());
  }
}

template <class Codec>
void add(const char* candidate) {
  const auto name = [&](const char* what) { return std::string("4/") + what + "/" + candidate; };
  benchmark::RegisterBenchmark(name("encode_reading").c_str(), encode<Codec, Reading>);
  benchmark::RegisterBenchmark(name("encode_vertex").c_str(), encode<Codec, Vertex>);
  benchmark::RegisterBenchmark(name("encode_order").c_str(), encode<Codec, Order>);
  benchmark::RegisterBenchmark(name("decode_reading").c_str(), decode<Codec, Reading>);
  benchmark::RegisterBenchmark(name("decode_vertex").c_str(), decode<Codec, Vertex>);
  benchmark::RegisterBenchmark(name("decode_order").c_str(), decode<Codec, Order>);
}

const bool added = [] {
  add<Packed>("packed");
#if defined(VARVE_BENCH_CEREAL)
  add<bench::Cereal>("cereal");
#endif
#if defined(VARVE_BENCH_MSGPACK)
  add<bench::MessagePack>("msgpack");
#endif
#if defined(VARVE_BENCH_NLOHMANN)
  add<bench::NlohmannCbor>("nlohmann_cbor");
#endif
#if defined(VARVE_BENCH_FLATBUFFERS)
  add<bench::FlatBuffers>("flatbuffers");
  benchmark::RegisterBenchmark("4/view_reading/flatbuffers", view_reading_flatbuffers);
  benchmark::RegisterBenchmark("4/view_vertex/flatbuffers", view_vertex_flatbuffers);
  benchmark::RegisterBenchmark("4/view_order/flatbuffers", view_order_flatbuffers);
#endif
  benchmark::RegisterBenchmark("4/view_reading/packed", view_reading);
  benchmark::RegisterBenchmark("4/view_vertex/packed", view_vertex);
  benchmark::RegisterBenchmark("4/view_order/packed", view_order);
  benchmark::RegisterBenchmark("4/view_reading/memcpy", copy<Reading>);
  benchmark::RegisterBenchmark("4/view_vertex/memcpy", copy<Vertex>);
  benchmark::RegisterBenchmark("4/view_order/memcpy", copy<Order>);
  benchmark::RegisterBenchmark("4/key_text24/ordered", key_ordered);
  benchmark::RegisterBenchmark("4/key_text24/by_hand", key_by_hand);
  return true;
}();

}  // namespace
