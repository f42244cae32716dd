// SPDX-License-Identifier: Apache-2.0
// expect-error: Packed refuses a pointer: store what it points to
// expect-error: Packed refuses a string_view, which would own nothing when it is read: make it a std::string, and read it with view
// expect-error: Packed refuses a struct with a const member or a reference: what is read must be the struct's own, and assignable
// expect-error: Packed refuses a union, which does not know what it holds: make it a std::variant
// expect-error: Packed refuses a struct with a base class: make the base its first member
// expect-error: Packed refuses long double and wchar_t, which differ from machine to machine
// expect-error: Packed refuses a struct with a C array: make it a std::array or a std::string
// expect-error: Packed refuses a list whose elements have no bytes: they could not be counted
// expect-error: Packed refuses keys of a set or a map that have no total order or are of floating point
// expect-error: Packed takes a set or a map if it holds each key once and is sorted by std::less or hashed
// expect-error: Packed has no form for this type: it takes numbers, bool, enums, times, std::string, arrays, vectors, sets, maps, optionals, variants, pairs, tuples and structs of members that are all public
#include <varve/codecs/packed.hpp>

#include <list>
#include <string_view>

using namespace varve;

template <class T>
struct With {
  std::vector<std::optional<T>> member;
};

struct Base {
  int a;
};
struct Derived : Base {
  int b;
};

struct WithReference {
  int& number;
};

union Union {
  int number;
  float fraction;
};

struct WithText {
  int number;
  char text[8];
};

template <class... T>
std::string encode_all(const T&... values) {
  std::string bytes;
  (Packed::encode(values, bytes), ...);
  return bytes;
}

#ifdef CONTROL
template std::string encode_all(const With<std::string>&);
#else
template std::string encode_all(const With<int*>&, const With<std::string_view>&,
                                const WithReference&, const With<Union>&, const Derived&,
                                const With<long double>&, const WithText&,
                                const std::vector<std::monostate>&, const std::map<double, int>&,
                                const std::multimap<int, int>&, const std::list<int>&);
#endif
