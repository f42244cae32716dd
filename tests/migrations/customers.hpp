// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/carry.hpp>
#include <varve/migrations/chain.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/table.hpp>

#include <cstdint>
#include <map>
#include <string>

/// A table through lazy steps: a unit that changes under an index, a field that is added, a name
/// that is cut.
namespace varve_test::customers {

struct CustomerV1 {
  std::uint64_t id = 0;
  std::string name{};
  std::uint64_t euros = 0;

  friend bool operator==(const CustomerV1&, const CustomerV1&) = default;
};
struct CustomerV2 {
  std::uint64_t id = 0;
  std::string name{};
  std::string country{};
  std::uint64_t euros = 0;

  friend bool operator==(const CustomerV2&, const CustomerV2&) = default;
};
struct CustomerV3 {
  std::uint64_t id = 0;
  std::string name{};
  std::string country{};
  std::uint64_t cents = 0;

  friend bool operator==(const CustomerV3&, const CustomerV3&) = default;
};

using CustomerTree = varve::RecordTree<"customers", std::uint64_t>;

struct AddCountry : varve::Step<1, 2> {
  static constexpr auto description = "customers live in a country";
  using Tree = CustomerTree;
  using In = CustomerV1;
  using Out = CustomerV2;
  static Out convert(const In& customer) {
    return varve::carry<Out>(customer, varve::with<&Out::country>("DE"));
  }
  static In invert(const Out& customer) {
    return varve::carry<In>(customer, varve::without<&Out::country>);
  }
};

/// The index by what a customer owes has the same type before and behind it, and other entries.
struct ToCents : varve::Step<2, 3> {
  static constexpr auto description = "customers owe cents";
  static constexpr auto pace = varve::lazy;
  using Tree = CustomerTree;
  using In = CustomerV2;
  using Out = CustomerV3;
  static Out convert(const In& customer) {
    return varve::carry<Out>(customer, varve::with<&Out::cents>(customer.euros * 100),
                             varve::without<&In::euros>);
  }
  static In invert(const Out& customer) {
    return varve::carry<In>(customer, varve::with<&In::euros>(customer.cents / 100),
                            varve::without<&Out::cents>);
  }
};

struct InCapitals : varve::Step<3, 4> {
  static constexpr auto description = "names are cut after eight letters";
  static constexpr auto loss = varve::lossy("name: what is behind the eighth letter");
  static constexpr auto pace = varve::lazy;
  static constexpr bool keeps_indexes = true;
  using Tree = CustomerTree;
  using In = CustomerV3;
  using Out = CustomerV3;
  static Out convert(const In& customer) {
    Out out = customer;
    out.name = out.name.substr(0, 8);
    return out;
  }
};

using ToTwo = varve::MigrationChain<AddCountry>;
using ToThree = varve::MigrationChain<AddCountry, ToCents>;
using ToFour = varve::MigrationChain<ToThree, InCapitals>;
using FromThree = varve::MigrationChain<InCapitals>;

template <class Chain>
using CustomerCodec = varve::Evolving<Chain, CustomerTree>;

using CustomersV2 =
    varve::Table<"customers", varve::Key<&CustomerV2::id>, CustomerV2, CustomerCodec<ToTwo>,
                 varve::Index<"by_debt", &CustomerV2::euros, varve::stores<&CustomerV2::country>>>;
template <class Chain>
using Customers =
    varve::Table<"customers", varve::Key<&CustomerV3::id>, CustomerV3, CustomerCodec<Chain>,
                 varve::Index<"by_debt", &CustomerV3::cents, varve::stores<&CustomerV3::country>>>;

inline CustomerV2 customer(std::uint64_t id) {
  return {id, "customer" + std::to_string(id), id % 3 == 0 ? "FR" : "DE", id * 7 % 100};
}
inline CustomerV3 in_cents(const CustomerV2& old) {
  return {old.id, old.name, old.country, old.euros * 100};
}

/// Customers 0 to `count` - 1 as a program of version 2 wrote them, with their index.
template <class Store>
void fill_version_2(Store& store, std::uint64_t count) {
  const CustomersV2::On<Store> customers(store);
  for (std::uint64_t id = 0; id != count; ++id) {
    customers.put(customer(id), varve::Durability::buffered);
  }
}

template <class E>
std::map<int, std::uint64_t> versions_of(const E& engine) {
  std::map<int, std::uint64_t> versions;
  for (const varve::Entry entry :
       engine.scan(*engine.find_tree("customers"), varve::KeyRange::all())) {
    ++versions[entry.value.front()];
  }
  return versions;
}

}  // namespace varve_test::customers
