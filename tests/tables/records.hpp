// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/table.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace varve_test {

/// A codec for the tests of tables, that rests on no other: `Ordered`, and vectors besides.
struct Plain {
  static constexpr varve::BytesView name = "plain";

  template <class T>
  static void encode(const T& value, std::string& sink) {
    if constexpr (varve::OrderedType<T>) {
      varve::Ordered::encode(value, sink);
    } else {
      value.each_field([&](const auto& field) { put(field, sink); });
    }
  }

  template <class T>
  [[nodiscard]] static T decode(varve::BytesView bytes) {
    if constexpr (varve::OrderedType<T>) {
      return varve::Ordered::decode<T>(bytes);
    } else {
      T value;
      value.each_field([&](auto& field) { take(field, bytes); });
      if (!bytes.empty()) refuse();
      return value;
    }
  }

  template <class T>
  [[nodiscard]] static constexpr varve::BytesView identity() noexcept {
    if constexpr (varve::OrderedType<T>) {
      return varve::Ordered::identity<T>();
    } else {
      return T::layout;
    }
  }

  /// The record itself, which is read and not copied, is view enough for a test.
  template <class T>
  [[nodiscard]] static T view(varve::BytesView bytes) {
    return decode<T>(bytes);
  }

 private:
  [[noreturn]] static void refuse() {
    throw varve::Error(varve::ErrorKind::corruption,
                       {.message = "no record", .operation = "decode", .layer = "plain"});
  }

  static void put_text(const std::string& text, std::string& sink) {
    const auto size = static_cast<std::uint32_t>(text.size());
    sink.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  }
  static std::string take_text(varve::BytesView& bytes) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) refuse();
    bytes.copy(reinterpret_cast<char*>(&size), sizeof size);
    if (bytes.size() - sizeof size < size) refuse();
    std::string text(bytes.substr(sizeof size, size));
    bytes.remove_prefix(sizeof size + size);
    return text;
  }

  template <class T>
  static void put(const T& field, std::string& sink) {
    put_text(encoded(field), sink);
  }
  template <class T>
  static void put(const std::vector<T>& fields, std::string& sink) {
    put_text(std::to_string(fields.size()), sink);
    for (const T& field : fields) put(field, sink);
  }
  template <class T>
  static void take(T& field, varve::BytesView& bytes) {
    field = varve::Ordered::decode<T>(take_text(bytes));
  }
  template <class T>
  static void take(std::vector<T>& fields, varve::BytesView& bytes) {
    fields.resize(std::stoul(take_text(bytes)));
    for (T& field : fields) take(field, bytes);
  }
  template <class T>
  static std::string encoded(const T& field) {
    std::string bytes;
    varve::Ordered::encode(field, bytes);
    return bytes;
  }
};

using Hash = std::array<std::uint8_t, 8>;

[[nodiscard]] inline Hash hash_of(std::uint64_t number) {
  Hash hash{};
  for (std::size_t i = 0; i != hash.size(); ++i) {
    hash[hash.size() - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return hash;
}

struct Vertex {
  static constexpr varve::BytesView layout = "vertex 1";

  Hash id{};
  std::uint64_t height = 0;
  std::int64_t timestamp = 0;
  std::vector<Hash> parents;
  std::string payload;
  bool finalized = false;

  template <class Use>
  void each_field(Use use) const {
    use(id), use(height), use(timestamp), use(parents), use(payload), use(finalized);
  }
  template <class Use>
  void each_field(Use use) {
    use(id), use(height), use(timestamp), use(parents), use(payload), use(finalized);
  }

  friend bool operator==(const Vertex&, const Vertex&) = default;
};

[[nodiscard]] inline bool is_open(const Vertex& vertex) {
  return !vertex.finalized;
}
[[nodiscard]] inline std::uint64_t payload_size(const Vertex& vertex) {
  return vertex.payload.size();
}

struct User {
  static constexpr varve::BytesView layout = "user 1";

  std::string name;
  std::string email;
  std::uint32_t age = 0;

  template <class Use>
  void each_field(Use use) const {
    use(name), use(email), use(age);
  }
  template <class Use>
  void each_field(Use use) {
    use(name), use(email), use(age);
  }

  friend bool operator==(const User&, const User&) = default;
};

struct EdgeRecord {
  static constexpr varve::BytesView layout = "edge 1";

  Hash from{};
  Hash to{};
  std::string note;

  template <class Use>
  void each_field(Use use) const {
    use(from), use(to), use(note);
  }
  template <class Use>
  void each_field(Use use) {
    use(from), use(to), use(note);
  }

  friend bool operator==(const EdgeRecord&, const EdgeRecord&) = default;
};

using Vertices = varve::Table<
    "vertices", varve::Key<&Vertex::id>, Vertex, Plain, varve::Index<"by_height", &Vertex::height>,
    varve::Index<"by_time", &Vertex::timestamp, varve::stores<&Vertex::height, &Vertex::payload>>,
    varve::Index<"by_parent", varve::each<&Vertex::parents>>,
    varve::Index<"open_by_time", varve::where<&is_open>, &Vertex::timestamp>,
    varve::Index<"by_size", varve::descending<&payload_size>, &Vertex::height>>;

using Users =
    varve::Table<"users", varve::Key<&User::name>, User, Plain,
                 varve::Unique<"by_email", &User::email>, varve::Index<"by_age", &User::age>>;

using Edges =
    varve::Table<"edges", varve::Key<&EdgeRecord::from, &EdgeRecord::to>, EdgeRecord, Plain>;

[[nodiscard]] inline Vertex vertex(std::uint64_t number, std::uint64_t height, std::int64_t time,
                                   std::vector<std::uint64_t> parents = {},
                                   std::string payload = {}, bool finalized = false) {
  Vertex made{hash_of(number), height, time, {}, std::move(payload), finalized};
  for (const std::uint64_t parent : parents) made.parents.push_back(hash_of(parent));
  return made;
}

}  // namespace varve_test
