// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

namespace varve::testing::detail {

/// What the laws ask of a codec and of some values, which they know by their places. So they are
/// compiled once and not for each type.
class CodedValues {
 public:
  CodedValues() = default;
  CodedValues(const CodedValues&) = delete;
  CodedValues& operator=(const CodedValues&) = delete;
  virtual ~CodedValues() = default;

  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  virtual void encode(std::size_t at, std::string& sink) const = 0;
  /// What decodes from `bytes`, encoded.
  [[nodiscard]] virtual std::string again(const std::string& bytes) const = 0;
  /// Whether what decodes from `bytes` equals the value, where that equals itself.
  [[nodiscard]] virtual bool equals(std::size_t at, const std::string& bytes) const = 0;
  /// Whether the codec would write other bytes for the same value, and says so.
  [[nodiscard]] virtual bool not_current(const std::string& bytes) const = 0;
  [[nodiscard]] virtual bool less(std::size_t a, std::size_t b) const = 0;
  [[nodiscard]] virtual bool equal(std::size_t a, std::size_t b) const = 0;

  [[nodiscard]] std::string encoded(std::size_t at) const {
    std::string bytes;
    encode(at, bytes);
    return bytes;
  }
};

template <class C, class T>
class CodedBy final : public CodedValues {
 public:
  explicit CodedBy(const std::vector<T>& values) noexcept : values_(values) {}

  std::size_t size() const noexcept override { return values_.size(); }
  void encode(std::size_t at, std::string& sink) const override { C::encode(values_[at], sink); }

  std::string again(const std::string& bytes) const override {
    std::string own;
    C::encode(C::template decode<T>(BytesView(bytes)), own);
    return own;
  }

  bool equals([[maybe_unused]] std::size_t at,
              [[maybe_unused]] const std::string& bytes) const override {
    if constexpr (std::equality_comparable<T>) {
      const T& value = values_[at];
      // NOLINTNEXTLINE(misc-redundant-expression): a NaN is not equal to itself.
      const bool equals_itself = value == value;
      return !equals_itself || C::template decode<T>(BytesView(bytes)) == value;
    } else {
      return true;
    }
  }

  bool not_current([[maybe_unused]] const std::string& bytes) const override {
    if constexpr (LenientCodecFor<C, T>) {
      return !C::template is_current<T>(bytes);
    } else {
      return false;
    }
  }

  bool less([[maybe_unused]] std::size_t a, [[maybe_unused]] std::size_t b) const override {
    if constexpr (KeyCodecFor<C, T>) {
      return values_[a] < values_[b];
    } else {
      return false;
    }
  }

  bool equal([[maybe_unused]] std::size_t a, [[maybe_unused]] std::size_t b) const override {
    if constexpr (KeyCodecFor<C, T>) {
      return values_[a] == values_[b];
    } else {
      return a == b;
    }
  }

 private:
  const std::vector<T>& values_;
};

}  // namespace varve::testing::detail
