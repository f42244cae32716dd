// SPDX-License-Identifier: Apache-2.0
//
// The examples of docs/guide/codecs.md, compiled and run.

#include <varve/adapters/memory.hpp>
#include <varve/codecs/document.hpp>
#include <varve/codecs/either.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/codecs/raw.hpp>
#include <varve/codecs/versions.hpp>
#include <varve/table.hpp>

#include <charconv>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

// [versions]
struct AccountV1 {
  std::uint64_t id;
  std::string owner;
  double balance;
};

struct AccountV2 {
  std::uint64_t id;
  std::string owner;
  std::int64_t cents;
};

AccountV2 upgrade(AccountV1&& old) {
  return {old.id, std::move(old.owner), static_cast<std::int64_t>(old.balance * 100)};
}

using Accounts = varve::Table<"accounts", varve::Key<&AccountV2::id>, AccountV2,
                              varve::Versions<varve::Packed, AccountV1, AccountV2>>;
// [/versions]

namespace {

using AccountsBefore = varve::Table<"accounts", varve::Key<&AccountV1::id>, AccountV1,
                                    varve::Versions<varve::Packed, AccountV1>>;

void versions() {
  varve::MemoryAdapter store;
  {
    const AccountsBefore::On accounts{store};
    accounts.put({7, "ada", 12.5});
  }
  // [read_versions]
  const Accounts::On accounts{store};
  if (const auto ada = accounts.get(7U)) std::cout << ada->owner << " has " << ada->cents << '\n';
  // [/read_versions]
  // [view_versions]
  if (const auto seen = accounts.view(7U)) {
    const auto& newest = *seen;  // Empty where the record is of an older version.
    std::cout << (newest ? newest->get<&AccountV2::cents>() : accounts.get(7U)->cents) << '\n';
  }
  // [/view_versions]
  // [rewrite]
  using Codec = Accounts::Codec;
  varve::WriteBatch batch;
  for (auto [key, value] : store.scan(accounts.tree(), varve::KeyRange::all())) {
    if (Codec::is_current<AccountV2>(value)) continue;
    std::string bytes;
    Codec::encode(Codec::decode<AccountV2>(value), bytes);
    batch.put(accounts.tree(), key, bytes);
  }
  store.write(batch);
  // [/rewrite]
  try {
    const AccountsBefore::On older{store};
  } catch (const varve::Error& error) {
    std::cout << error.what() << '\n';
  }
}

// [legacy]
/// Records that a program wrote by hand: "ID OWNER", as text.
struct Text {
  static constexpr varve::BytesView name = "text";

  static void encode(const AccountV2& account, varve::ByteSink auto& sink) {
    sink.append(varve::BytesView(std::to_string(account.id) + " " + account.owner));
  }

  template <class T>
  static T decode(varve::BytesView bytes) {
    T account{};
    const char* const end = bytes.data() + bytes.size();
    const auto [at, failed] = std::from_chars(bytes.data(), end, account.id);
    if (failed != std::errc() || at == end || *at != ' ') {
      throw varve::Error(varve::ErrorKind::corruption, {.message = "an account is \"ID OWNER\""});
    }
    account.owner.assign(at + 1, end);
    return account;
  }

  template <class T>
  static constexpr varve::BytesView identity() {
    return "account";
  }
};

// They begin with a digit, and what `Either` writes does not.
using Moving = varve::Either<varve::Packed, Text, varve::FirstByte<'0', '9'>>;
// [/legacy]

void moving() {
  std::string bytes;
  Moving::encode(AccountV2{7, "ada", 1250}, bytes);
  std::cout << Moving::decode<AccountV2>("8 bob").owner << " and "
            << Moving::decode<AccountV2>(bytes).owner << '\n';
}

void documents() {
  // [document]
  varve::Document build;
  build["compiler"] = "g++";
  build["flags"] = varve::Document::Array{"-O2", "-g"};
  build["seconds"] = 12.5;

  std::string bytes;
  varve::DocumentCodec::encode(build, bytes);

  const auto view = varve::DocumentView::of(bytes);  // Checked once; the rest reads in place.
  if (const auto flags = view.find("flags")) {
    for (const auto flag : flags->elements()) std::cout << flag.as<varve::BytesView>() << ' ';
  }
  std::cout << view.find("seconds")->as<double>() << '\n';
  // [/document]
}

}  // namespace

// [raw]
struct Reading {
  std::uint64_t time;
  float value;
  std::uint32_t sensor;
};

template <>
inline constexpr varve::BytesView varve::layout_name<Reading> = "time u64, value f32, sensor u32";

static_assert(varve::assert_raw_type<Reading>());
// [/raw]

int main() {
  versions();
  moving();
  documents();
  std::string bytes;
  varve::Raw::encode(Reading{1, 0.5F, 3}, bytes);
  std::cout << varve::Raw::view<Reading>(bytes).get<&Reading::sensor>() << '\n';
}
