// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>
#include <varve/concepts/error.hpp>
#include <varve/testing/broken_law.hpp>
#include <varve/testing/laws/coded_values.hpp>
#include <varve/testing/laws/law.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/show.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace varve::testing {

namespace detail {

inline void codec_gives_the_value_back(const CodedValues& values) {
  for (std::size_t i = 0; i != values.size(); ++i) {
    const std::string bytes = values.encoded(i);
    const std::string again = values.again(bytes);
    if (again != bytes) {
      fail("the value of " + show_short(bytes) + " is encoded again as " + show_short(again));
    }
    if (!values.equals(i, bytes)) fail(show_short(bytes) + " decodes to another value");
  }
}

inline void codec_appends(const CodedValues& values) {
  for (std::size_t i = 0; i != values.size(); ++i) {
    std::string bytes = "before";
    values.encode(i, bytes);
    values.encode(i, bytes);
    if (bytes != "before" + values.encoded(i) + values.encoded(i)) {
      fail(show_short(values.encoded(i)) + " is encoded otherwise after other bytes");
    }
  }
}

/// Of a codec that reads more than it writes: whether `bytes` are refused for what they are, or
/// decode to a value that the codec writes in its own way.
inline void expect_refused_or_brought_over(const CodedValues& values, const std::string& bytes) {
  std::string own;
  try {
    own = values.again(bytes);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corruption || error.kind() == ErrorKind::schema_newer ||
        error.kind() == ErrorKind::schema_too_old) {
      return;
    }
    fail(show_short(bytes) + " is refused with another error: " + error.what());
  }
  if (values.not_current(own)) {
    fail(show_short(own) + " is what encode wrote, and is_current denies it");
  }
  const std::string again = values.again(own);
  if (again != own) fail(show_short(own) + " is encoded again as " + show_short(again));
}

/// Whether `bytes` are refused, or the one spelling of what they decode to.
inline void expect_refused_or_canonical(const CodedValues& values, const std::string& bytes) {
  if (values.not_current(bytes)) return;
  try {
    const std::string again = values.again(bytes);
    if (again != bytes) {
      fail(show_short(bytes) + " is taken for a value whose encoding is " + show_short(again));
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corruption) return;
    fail(show_short(bytes) + " is refused with another error: " + error.what());
  }
}

/// Every cut of every encoding, some bytes more, and every bit turned.
template <class Use>
void for_each_damaged(const CodedValues& values, Use use) {
  for (std::size_t i = 0; i != values.size(); ++i) {
    const std::string good = values.encoded(i);
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

inline void codec_takes_one_spelling(const CodedValues& values) {
  for_each_damaged(values,
                   [&](const std::string& bytes) { expect_refused_or_canonical(values, bytes); });
}

inline void codec_brings_others_over(const CodedValues& values) {
  for_each_damaged(values, [&](const std::string& bytes) {
    if (values.not_current(bytes)) expect_refused_or_brought_over(values, bytes);
  });
  for (std::size_t i = 0; i != values.size(); ++i) {
    if (values.not_current(values.encoded(i))) {
      fail(show_short(values.encoded(i)) + " is what encode wrote, and is_current denies it");
    }
  }
}

inline void codec_keeps_the_order(const CodedValues& values) {
  for (std::size_t a = 0; a != values.size(); ++a) {
    const std::string first = values.encoded(a);
    for (std::size_t b = 0; b != values.size(); ++b) {
      const std::string second = values.encoded(b);
      const bool in_order = values.less(a, b);
      if ((in_order && !(first < second)) || (values.equal(a, b) && first != second)) {
        fail("of two values " + std::string(in_order ? "in order" : "that are equal") +
             " the encodings are " + show_short(first) + " and " + show_short(second));
      }
    }
  }
}

inline std::vector<Law<const CodedValues&>> codec_laws(bool orders, bool lenient) {
  std::vector<Law<const CodedValues&>> laws{
      {"CO1", "Decoding what was encoded gives the value.", codec_gives_the_value_back},
      {"CO2", "encode appends, and the same value gives the same bytes.", codec_appends},
      {"CO3",
       "Bytes are refused as corruption, or are the one spelling of what they decode to, or are "
       "not current.",
       codec_takes_one_spelling},
  };
  if (orders) {
    laws.push_back({"CO4", "Of a key codec, the order of the bytes is the order of the values.",
                    codec_keeps_the_order});
  }
  if (lenient) {
    laws.push_back({"CO5",
                    "Of a codec that reads more than it writes, bytes that are not current are "
                    "refused as corruption or by their version, or decode to what it then writes "
                    "as current.",
                    codec_brings_others_over});
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
  const detail::CodedBy<C, T> coded(values);
  return detail::first_broken(detail::codec_laws(KeyCodecFor<C, T>, LenientCodecFor<C, T>), coded);
}

}  // namespace varve::testing
