// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "codec_records.hpp"

#include <varve/codecs/aggregate.hpp>

#include <cstddef>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The peers of `Packed` that are installed, each as `encode(value, buffer)` into a buffer that is
// used again and `decode<T>(bytes)`. Structs are written as the sequence of their members, without
// names, which is the shortest and fastest form that each of them has.

#if defined(VARVE_BENCH_CEREAL)
#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#endif
#if defined(VARVE_BENCH_MSGPACK)
#include <msgpack.hpp>
#endif
#if defined(VARVE_BENCH_NLOHMANN)
#include <nlohmann/json.hpp>
#endif
#if defined(VARVE_BENCH_FLATBUFFERS)
#include "codecs_generated.h"
#endif

namespace bench {

#if defined(VARVE_BENCH_CEREAL)

template <class Archive, varve::detail::PlainAggregate T>
void serialize(Archive& archive, T& value) {
  varve::detail::with_members(value, [&](auto&... members) { archive(members...); });
}

/// Strings as streams: lighter than std::stringstream.
struct Appending : std::streambuf {
  explicit Appending(std::string& to) : to_(to) {}
  std::streamsize xsputn(const char* from, std::streamsize size) override {
    to_.append(from, static_cast<std::size_t>(size));
    return size;
  }
  std::string& to_;
};
struct FixedStream : std::streambuf {
  explicit FixedStream(std::string_view bytes) {
    char* const first = const_cast<char*>(bytes.data());
    setg(first, first, first + bytes.size());
  }
};

struct Cereal {
  using Buffer = std::string;
  static std::string_view bytes(const Buffer& buffer) { return buffer; }

  template <class T>
  static void encode(const T& value, Buffer& buffer) {
    buffer.clear();
    Appending appending(buffer);
    std::ostream stream(&appending);
    cereal::BinaryOutputArchive archive(stream);
    archive(value);
  }
  template <class T>
  static T decode(std::string_view bytes) {
    FixedStream reading(bytes);
    std::istream stream(&reading);
    cereal::BinaryInputArchive archive(stream);
    T value;
    archive(value);
    return value;
  }
};

#endif

#if defined(VARVE_BENCH_NLOHMANN)

inline void to_json(nlohmann::json& json, const Hash& hash) {
  json = nlohmann::json::binary({hash.bytes.begin(), hash.bytes.end()});
}
inline void from_json(const nlohmann::json& json, Hash& hash) {
  const auto& bytes = json.get_binary();
  for (std::size_t i = 0; i != hash.bytes.size(); ++i) hash.bytes[i] = bytes.at(i);
}
template <varve::detail::PlainAggregate T>
void to_json(nlohmann::json& json, const T& value) {
  varve::detail::with_members(
      value, [&](const auto&... members) { json = nlohmann::json::array({members...}); });
}
template <varve::detail::PlainAggregate T>
void from_json(const nlohmann::json& json, T& value) {
  std::size_t at = 0;
  varve::detail::with_members(value,
                              [&](auto&... members) { (json.at(at++).get_to(members), ...); });
}

struct NlohmannCbor {
  using Buffer = std::vector<std::uint8_t>;
  static std::string_view bytes(const Buffer& buffer) {
    return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
  }

  template <class T>
  static void encode(const T& value, Buffer& buffer) {
    buffer.clear();
    nlohmann::json::to_cbor(nlohmann::json(value), buffer);
  }
  template <class T>
  static T decode(std::string_view bytes) {
    return nlohmann::json::from_cbor(bytes.begin(), bytes.end()).template get<T>();
  }
};

#endif

#if defined(VARVE_BENCH_MSGPACK)

struct MessagePack {
  using Buffer = msgpack::sbuffer;
  static std::string_view bytes(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

  template <class T>
  static void encode(const T& value, Buffer& buffer) {
    buffer.clear();
    msgpack::pack(buffer, value);
  }
  template <class T>
  static T decode(std::string_view bytes) {
    return msgpack::unpack(bytes.data(), bytes.size())->as<T>();
  }
};

#endif

#if defined(VARVE_BENCH_FLATBUFFERS)

struct FlatBuffers {
  using Buffer = flatbuffers::FlatBufferBuilder;
  static std::string_view bytes(const Buffer& buffer) {
    return {reinterpret_cast<const char*>(buffer.GetBufferPointer()), buffer.GetSize()};
  }

  static peer::Hash hash(const Hash& hash) { return peer::Hash(hash.bytes); }
  static Hash hash(const peer::Hash* hash) {
    Hash copy;
    std::memcpy(copy.bytes.data(), hash->bytes()->data(), copy.bytes.size());
    return copy;
  }
  static std::string text(const flatbuffers::String* text) { return text->str(); }

  template <class Root>
  static const Root* root(std::string_view bytes) {
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    flatbuffers::Verifier verifier(data, bytes.size());
    if (!verifier.VerifyBuffer<Root>(nullptr)) std::abort();
    return flatbuffers::GetRoot<Root>(data);
  }

  static void encode(const Reading& value, Buffer& to) {
    to.Clear();
    const auto sensor = to.CreateString(value.sensor);
    const auto unit = to.CreateString(value.unit);
    const auto samples = to.CreateVector(value.samples);
    to.Finish(peer::CreateReading(to, value.id, value.time, value.value, value.flags, sensor, unit,
                                  samples));
  }
  static void encode(const Vertex& value, Buffer& to) {
    to.Clear();
    const auto parents = to.CreateVectorOfStructs(
        reinterpret_cast<const peer::Hash*>(value.parents.data()), value.parents.size());
    const auto payload = to.CreateString(value.payload);
    const peer::Hash id = hash(value.id);
    to.Finish(peer::CreateVertex(to, &id, value.height, value.timestamp, parents, payload,
                                 value.finalized));
  }
  static void encode(const Order& value, Buffer& to) {
    to.Clear();
    std::vector<flatbuffers::Offset<peer::Line>> lines;
    lines.reserve(value.lines.size());
    for (const Line& line : value.lines) {
      lines.push_back(
          peer::CreateLine(to, line.article, line.price, line.count, to.CreateString(line.text)));
    }
    std::vector<flatbuffers::Offset<peer::Note>> notes;
    notes.reserve(value.notes.size());
    for (const auto& [key, note] : value.notes) {
      const auto first = to.CreateString(key);
      notes.push_back(peer::CreateNote(to, first, to.CreateString(note)));
    }
    const auto customer = to.CreateString(value.customer);
    const auto all_lines = to.CreateVector(lines);
    const auto all_notes = to.CreateVector(notes);
    const auto tags = to.CreateVectorOfStrings(value.tags);
    to.Finish(
        peer::CreateOrder(to, value.number, customer, all_lines, all_notes, tags, value.paid));
  }

  template <class T>
  static T decode(std::string_view bytes);
};

template <>
inline Reading FlatBuffers::decode(std::string_view bytes) {
  const auto* const from = root<peer::Reading>(bytes);
  return {from->id(),
          from->time(),
          from->value(),
          from->flags(),
          text(from->sensor()),
          text(from->unit()),
          {from->samples()->begin(), from->samples()->end()}};
}

template <>
inline Vertex FlatBuffers::decode(std::string_view bytes) {
  const auto* const from = root<peer::Vertex>(bytes);
  Vertex value{hash(from->id()),      from->height(),   from->timestamp(), {},
               text(from->payload()), from->finalized()};
  value.parents.reserve(from->parents()->size());
  for (const peer::Hash* parent : *from->parents()) value.parents.push_back(hash(parent));
  return value;
}

template <>
inline Order FlatBuffers::decode(std::string_view bytes) {
  const auto* const from = root<peer::Order>(bytes);
  Order value{from->number(), text(from->customer()), {}, {}, {}, from->paid()};
  value.lines.reserve(from->lines()->size());
  for (const peer::Line* line : *from->lines()) {
    value.lines.push_back({line->article(), line->price(), line->count(), text(line->text())});
  }
  for (const peer::Note* note : *from->notes()) {
    value.notes.emplace_hint(value.notes.end(), text(note->key()), text(note->text()));
  }
  value.tags.reserve(from->tags()->size());
  for (const flatbuffers::String* tag : *from->tags()) value.tags.push_back(text(tag));
  return value;
}

#endif

}  // namespace bench

#if defined(VARVE_BENCH_MSGPACK)

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <>
  struct pack<bench::Hash> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, const bench::Hash& hash) const {
      return to.pack(hash.bytes);
    }
  };
  template <>
  struct convert<bench::Hash> {
    const msgpack::object& operator()(const msgpack::object& from, bench::Hash& hash) const {
      from.convert(hash.bytes);
      return from;
    }
  };

  template <varve::detail::PlainAggregate T>
    requires(std::is_same_v<T, bench::Reading> || std::is_same_v<T, bench::Vertex> ||
             std::is_same_v<T, bench::Line> || std::is_same_v<T, bench::Order>)
  struct pack<T> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, const T& value) const {
      varve::detail::with_members(value, [&](const auto&... members) {
        to.pack_array(sizeof...(members));
        (to.pack(members), ...);
      });
      return to;
    }
  };
  template <varve::detail::PlainAggregate T>
    requires(std::is_same_v<T, bench::Reading> || std::is_same_v<T, bench::Vertex> ||
             std::is_same_v<T, bench::Line> || std::is_same_v<T, bench::Order>)
  struct convert<T> {
    const msgpack::object& operator()(const msgpack::object& from, T& value) const {
      varve::detail::with_members(value, [&](auto&... members) {
        if (from.type != type::ARRAY || from.via.array.size != sizeof...(members)) {
          throw type_error();
        }
        const msgpack::object* at = from.via.array.ptr;
        ((at++)->convert(members), ...);
      });
      return from;
    }
  };

  }  // namespace adaptor
}
}  // namespace msgpack

#endif
