// SPDX-License-Identifier: Apache-2.0
//
// A schema and what it does to a store of an older program.
#include <varve/adapters/lmdb.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/migrations/terminal_progress.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

namespace {

// [chain]
struct AccountV1 {
  std::string owner;
  std::uint64_t cents;
};
struct AccountV2 {
  std::string owner;
  std::uint64_t cents;
  std::string currency;
};
struct AccountV3 {
  std::string owner;
  std::string currency;
  std::int64_t cents;
};

using Accounts = varve::RecordTree<"accounts", std::uint64_t>;

struct AddCurrency : varve::Step<1, 2> {
  static constexpr auto description = "accounts have a currency";
  using Tree = Accounts;
  using In = varve::Frozen<AccountV1, 0x3fb2566e880c1413>;
  using Out = varve::Frozen<AccountV2, 0x5e82abdbb9eed001>;
  static Out convert(const In& account) { return {account.owner, account.cents, "EUR"}; }
  static In invert(const Out& account) { return {account.owner, account.cents}; }
};

struct AllowDebt : varve::Step<2, 3> {
  static constexpr auto description = "accounts may be in debt; the audit trail is given up";
  static constexpr auto loss = varve::lossy("audit: nobody has read it since 2019");
  static AccountV3 signed_cents(const AccountV2& account) {
    return {account.owner, account.currency, static_cast<std::int64_t>(account.cents)};
  }
  using Actions = varve::Actions<varve::Rewrite<Accounts, AccountV2, AccountV3, &signed_cents>,
                                 varve::DropTree<"audit">>;
};

using Chain = varve::MigrationChain<AddCurrency, AllowDebt>;
using Store = varve::Migrated<Chain, varve::LmdbAdapter>;
using AccountCodec = varve::Evolving<Chain, Accounts>;
// [/chain]

std::string key_of(std::uint64_t number) {
  std::string bytes;
  varve::Ordered::encode(number, bytes);
  return bytes;
}

/// What a program of long ago left behind.
void write_version_1(const std::string& directory) {
  auto store = varve::open<varve::LmdbAdapter>(directory);
  const varve::Tree accounts = store.open_tree("accounts");
  const varve::Tree audit = store.open_tree("audit");
  varve::WriteBatch batch;
  for (std::uint64_t number = 1; number <= 1000; ++number) {
    std::string bytes;
    varve::Packed::encode(AccountV1{"owner " + std::to_string(number), number * 100}, bytes);
    batch.put(accounts, key_of(number), bytes);
    batch.put(audit, key_of(number), "opened");
  }
  store.write(batch);
}

void run(const std::string& directory) {
  write_version_1(directory);
  try {
    static_cast<void>(varve::open<Store>(directory));
  } catch (const varve::Error& error) {
    std::cout << error.what() << "\n\n";  // the records have no stamp
  }
  try {
    static_cast<void>(varve::open<Store>(directory, varve::MigratedOptions{.adopt_as = 1}));
  } catch (const varve::Error& error) {
    std::cout << error.what() << "\n";  // the way loses the audit trail
  }
  // [plan]
  const varve::MigrationPlan plan = varve::plan<Store>(directory);
  std::cout << to_string(plan) << "\n";
  // [/plan]
  // [run]
  auto store = varve::open<Store>(
      directory, varve::MigratedOptions{.accept_loss = plan.hash(),
                                        .run = {.progress = varve::terminal_progress()}});
  const auto bytes = store.get(store.open_tree("accounts"), key_of(7));
  const auto account = AccountCodec::decode<AccountV3>(bytes->view());
  // [/run]
  std::cout << account.owner << " has " << account.cents << " cents in " << account.currency
            << "\n";
  for (const std::string& tree : store.held_trees()) {
    std::cout << "the tree '" << tree << "' is held until it is purged\n";
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string directory = count == 2 ? arguments[1] : "--help";
  if (directory.starts_with('-')) {
    std::cerr << "usage: migrations DIRECTORY, which is not there yet\n";
    return 2;
  }
  if (std::filesystem::exists(directory)) {
    std::cerr << "migrations: '" << directory << "' is there already: name another\n";
    return 2;
  }
  try {
    run(directory);
    return 0;
  } catch (const varve::Error& error) {
    std::cerr << "migrations: " << error.what() << '\n';
    return 1;
  }
}
