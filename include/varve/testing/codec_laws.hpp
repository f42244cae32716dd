// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>
#include <varve/testing/broken_law.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/show.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace varve::testing {

namespace detail {

template <class C, class T>
std::string encoded(const T& value) {
  std::string bytes;
  C::encode(value, bytes);
  return bytes;
}

template <class C, class T>
void codec_gives_the_value_back(const std::vector<T>& values) {
  for (const T& value : values) {
    const std::string bytes = encoded<C>(value);
    const T back = C::template decode<T>(bytes);
    if (encoded<C>(back) != bytes) {
      fail("the value of " + show_short(bytes) + " is encoded again as " +
           show_short(encoded<C>(back)));
    }
    if constexpr (std::equality_comparable<T>) {
      // NOLINTNEXTLINE(misc-redundant-expression): a NaN is not equal to itself.
      const bool equals_itself = value == value;
      if (equals_itself && !(back == value)) fail(show_short(bytes) + " decodes to another value");
    }
  }
}

template <class C, class T>
void codec_appends(const std::vector<T>& values) {
  for (const T& value : values) {
    std::string bytes = "before";
    C::encode(value, bytes);
    C::encode(value, bytes);
    if (bytes != "before" + encoded<C>(value) + encoded<C>(value)) {
      fail(show_short(encoded<C>(value)) + " is encoded otherwise after other bytes");
    }
  }
}

/// Of a codec that reads more than it writes: whether `bytes` are refused for what they are, or
/// decode to a value that the codec writes in its own way.
template <class C, class T>
void expect_refused_or_brought_over(const std::string& bytes) {
  std::string own;
  try {
    own = encoded<C>(C::template decode<T>(BytesView(bytes)));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corruption || error.kind() == ErrorKind::schema_newer ||
        error.kind() == ErrorKind::schema_too_old) {
      return;
    }
    fail(show_short(bytes) + " is refused with another error: " + error.what());
  }
  if constexpr (LenientCodecFor<C, T>) {
    if (!C::template is_current<T>(own)) {
      fail(show_short(own) + " is what encode wrote, and is_current denies it");
    }
  }
  const std::string again = encoded<C>(C::template decode<T>(BytesView(own)));
  if (again != own) fail(show_short(own) + " is encoded again as " + show_short(again));
}

/// Whether the codec says that it would write other bytes for the same value.
template <class C, class T>
bool not_current(const std::string& bytes) {
  if constexpr (LenientCodecFor<C, T>) return !C::template is_current<T>(bytes);
  return false;
}

/// Whether `bytes` are refused, or the one spelling of what they decode to.
template <class C, class T>
void expect_refused_or_canonical(const std::string& bytes) {
  if (not_current<C, T>(bytes)) return;
  try {
    const std::string again = encoded<C>(C::template decode<T>(BytesView(bytes)));
    if (again != bytes) {
      fail(show_short(bytes) + " is taken for a value whose encoding is " + show_short(again));
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corruption) return;
    fail(show_short(bytes) + " is refused with another error: " + error.what());
  }
}

/// Every cut of every encoding, some bytes more, and every bit turned.
template <class C, class T, class Use>
void for_each_damaged(const std::vector<T>& values, Use use) {
  for (const T& value : values) {
    const std::string good = encoded<C>(value);
    for (std::size_t cut = 0; cut != good.size(); ++cut) use(good.substr(0, cut));
    for (const char more : {'\x00', '\x01', '\x7f', '\xff'}) use(good + more);
    for (std::size_t at = 0; at != good.size(); ++at) {
      for (unsigned bit = 0; bit != 8; ++bit) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1U << bit));
        use(bad);
      }
    }
  }
}

template <class C, class T>
void codec_takes_one_spelling(const std::vector<T>& values) {
  for_each_damaged<C>(values, expect_refused_or_canonical<C, T>);
}

template <class C, class T>
void codec_brings_others_over(const std::vector<T>& values) {
  for_each_damaged<C>(values, [](const std::string& bytes) {
    if (not_current<C, T>(bytes)) expect_refused_or_brought_over<C, T>(bytes);
  });
  for (const T& value : values) {
    if (not_current<C, T>(encoded<C>(value))) {
      fail(show_short(encoded<C>(value)) + " is what encode wrote, and is_current denies it");
    }
  }
}

template <class C, class T>
void codec_keeps_the_order(const std::vector<T>& values) {
  for (const T& a : values) {
    const std::string first = encoded<C>(a);
    for (const T& b : values) {
      const std::string second = encoded<C>(b);
      if ((a < b && !(first < second)) || (a == b && first != second)) {
        fail("of two values " + std::string(a < b ? "in order" : "that are equal") +
             " the encodings are " + show_short(first) + " and " + show_short(second));
      }
    }
  }
}

template <class T>
struct CodecLaw {
  const char* number;
  const char* sentence;
  void (*run)(const std::vector<T>& values);
};

template <class C, class T>
std::vector<CodecLaw<T>> codec_laws() {
  std::vector<CodecLaw<T>> laws{
      {"CO1", "Decoding what was encoded gives the value.", codec_gives_the_value_back<C, T>},
      {"CO2", "encode appends, and the same value gives the same bytes.", codec_appends<C, T>},
      {"CO3",
       "Bytes are refused as corruption, or are the one spelling of what they decode to, or are "
       "not current.",
       codec_takes_one_spelling<C, T>},
  };
  if constexpr (KeyCodecFor<C, T>) {
    laws.push_back({"CO4", "Of a key codec, the order of the bytes is the order of the values.",
                    codec_keeps_the_order<C, T>});
  }
  if constexpr (LenientCodecFor<C, T>) {
    laws.push_back({"CO5",
                    "Of a codec that reads more than it writes, bytes that are not current are "
                    "refused as corruption or by their version, or decode to what it then writes "
                    "as current.",
                    codec_brings_others_over<C, T>});
  }
  return laws;
}

}  // namespace detail

/// Runs the laws of codecs over `values`, which should be the nasty ones of their type, and answers
/// the first that is broken. Each value costs a decoding for each of its bits, each pair a
/// comparison.
template <class C, class T>
  requires CodecFor<C, T>
[[nodiscard]] std::optional<BrokenLaw> check_codec(const std::vector<T>& values) {
  for (const auto& law : detail::codec_laws<C, T>()) {
    try {
      law.run(values);
    } catch (const detail::Broken& broken) {
      return BrokenLaw{law.number, law.sentence, broken.evidence};
    } catch (const std::exception& error) {
      return BrokenLaw{law.number, law.sentence, std::string("it threw ") + error.what()};
    }
  }
  return std::nullopt;
}

}  // namespace varve::testing
