// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/packed/record.hpp>
#include <varve/codecs/packed/view.hpp>
#include <varve/codecs/packed/wire.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve::detail::packed {

template <class T>
struct IsArray : std::false_type {};
template <class T, std::size_t count>
struct IsArray<std::array<T, count>> : std::true_type {};

template <class... T>
consteval bool all_packable(TypeList<T...>) {
  return (Packable<T> && ...);
}

template <class T>
concept PackableStruct = !IsArray<T>::value && StructOfMembers<T> && all_packable(members_t<T>{});

template <class... T, class Use>
decltype(auto) with_parts(const std::tuple<T...>& value, Use use) {
  return std::apply(use, value);
}
template <class First, class Second, class Use>
decltype(auto) with_parts(const std::pair<First, Second>& value, Use use) {
  return use(value.first, value.second);
}
template <PlainAggregate T, class Use>
decltype(auto) with_parts(const T& value, Use use) {
  return with_members(value, use);
}

/// Whether the object is its parts without a gap, and they are what is written.
template <class T, class... Parts>
consteval bool is_in_memory(TypeList<Parts...>) {
  if constexpr (std::is_trivially_copyable_v<T> && (Fixed<Parts> && ...)) {
    return (bool(Wire<Parts>::in_memory) && ...) && sizeof(T) == (0 + ... + Wire<Parts>::bytes);
  } else {
    return false;
  }
}

template <class T>
struct WireOfParts {
  using Layout = record_t<T>;
  using View = PackedView<T>;
  static constexpr bool fixed = Layout::variable == 0;
  static constexpr bool always_valid = Layout::always_valid;
  static constexpr bool in_memory = is_in_memory<T>(members_t<T>{});
  static constexpr std::size_t bytes = Layout::fixed_bytes;

  static std::size_t size(const T& value) {
    return with_parts(value, [](const auto&... parts) { return Layout::size(parts...); });
  }
  static char* put(const T& value, char* to) {
    if constexpr (InMemory<T>) {
      std::memcpy(to, &value, sizeof(T));
      return to + sizeof(T);
    } else {
      return with_parts(value, [to](const auto&... parts) { return Layout::put(to, parts...); });
    }
  }

  static void check(BytesView whole) { Layout::check(whole); }
  static T take(BytesView whole) { return Layout::template take_all<T>(whole); }
  static View view(BytesView whole) noexcept { return View(whole); }

  static void check(const char* from)
    requires fixed
  {
    check(BytesView(from, bytes));
  }
  static T take(const char* from)
    requires fixed
  {
    if constexpr (InMemory<T>) {
      std::array<char, sizeof(T)> raw;
      std::memcpy(raw.data(), from, sizeof(T));
      return std::bit_cast<T>(raw);
    } else {
      return take(BytesView(from, bytes));
    }
  }
  static View view(const char* from) noexcept
    requires fixed
  {
    return View(BytesView(from, bytes));
  }
};

/// `(u64,bytes)`
template <class T, class... Parts>
struct WireOfTuple : WireOfParts<T> {
  static constexpr void describe(Describer& out) {
    [[maybe_unused]] BytesView before = "(";
    ((out.text(before), Wire<Parts>::describe(out), before = ","), ...);
    out.text(sizeof...(Parts) == 0 ? "()" : ")");
  }
};

template <Packable... T>
struct Wire<std::tuple<T...>> : WireOfTuple<std::tuple<T...>, T...> {};

template <class First, class Second>
  requires Packable<std::remove_const_t<First>> && Packable<Second>
struct Wire<std::pair<First, Second>>
    : WireOfTuple<std::pair<First, Second>, std::remove_const_t<First>, Second> {};

/// `{id:u64,name:bytes}`
template <PackableStruct T>
struct Wire<T> : WireOfParts<T> {
  static constexpr void describe(Describer& out) {
    using Layout = typename WireOfParts<T>::Layout;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      BytesView before = "{";
      ((out.text(before), out.text(member_name<T, i>), out.text(":"),
        Wire<typename Layout::template Part<i>>::describe(out), before = ","),
       ...);
    }(std::make_index_sequence<Layout::count>());
    out.text("}");
  }
};

}  // namespace varve::detail::packed
