// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace varve {

/// What went wrong, as far as a program can act on it.
enum class ErrorKind : std::uint8_t {
  io,                ///< the system refused or failed an operation on a file
  corruption,        ///< stored bytes are not what was written
  invalid_argument,  ///< the caller asked for what cannot be; nothing was changed
  not_supported,     ///< this engine, build or file system cannot do it; nothing was changed
  busy,              ///< somebody else holds what is needed; try again or stop the holder
  conflict,          ///< a transaction met a newer write
  no_space,          ///< the disk, the map or a quota is full
  read_only,         ///< the store or its directory may not be written
  poisoned,          ///< an earlier write failed; the store answers reads and refuses writes
  indeterminate,     ///< the write may or may not have happened; reopening decides
  stack_mismatch,    ///< the data was written by another stack of layers
  schema_legacy,     ///< the data has no schema stamp and must be adopted
  schema_newer,      ///< the data was written by a newer program
  schema_diverged,   ///< a stored layout is not the compiled one
  schema_too_old,    ///< no step leads from the stored version
  schema_sealed,     ///< the store was moved elsewhere
  schema_loss,       ///< a lossy plan was not accepted
};

[[nodiscard]] constexpr BytesView to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::io: return "io";
    case ErrorKind::corruption: return "corruption";
    case ErrorKind::invalid_argument: return "invalid_argument";
    case ErrorKind::not_supported: return "not_supported";
    case ErrorKind::busy: return "busy";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::no_space: return "no_space";
    case ErrorKind::read_only: return "read_only";
    case ErrorKind::poisoned: return "poisoned";
    case ErrorKind::indeterminate: return "indeterminate";
    case ErrorKind::stack_mismatch: return "stack_mismatch";
    case ErrorKind::schema_legacy: return "schema_legacy";
    case ErrorKind::schema_newer: return "schema_newer";
    case ErrorKind::schema_diverged: return "schema_diverged";
    case ErrorKind::schema_too_old: return "schema_too_old";
    case ErrorKind::schema_sealed: return "schema_sealed";
    case ErrorKind::schema_loss: return "schema_loss";
  }
  return "unknown";
}

/// What an `Error` can tell beside its kind. Empty where it does not apply.
struct ErrorDetails {
  std::string message{};      ///< what happened and what to do, in one or two sentences
  std::string operation{};    ///< the operation of the vocabulary: "write", "open_tree" ...
  std::string tree{};         ///< the tree's name, or "#id" where only the id is known
  std::string layer{};        ///< the layer or engine that raised it: "rocksdb", "cached" ...
  int engine_code = 0;        ///< the engine's own code; 0 where there is none
  std::string engine_text{};  ///< the engine's own words
};

/// The one exception type. Absence and conflict are values, never errors.
///
/// Copies share their text, so copying does not throw. Safe to read from several threads.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, ErrorDetails details)
      : kind_(kind), shared_(new Shared(kind, std::move(details))) {}

  Error(const Error& other) noexcept
      : std::exception(other), kind_(other.kind_), shared_(other.shared_) {
    __atomic_fetch_add(&shared_->owners, 1, __ATOMIC_RELAXED);
  }

  Error& operator=(Error other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(shared_, other.shared_);
    return *this;
  }

  ~Error() override {
    if (__atomic_fetch_sub(&shared_->owners, 1, __ATOMIC_ACQ_REL) == 1) delete shared_;
  }

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

  /// Whether the same call may succeed later with nothing else done about it.
  [[nodiscard]] bool retryable() const noexcept {
    return kind_ == ErrorKind::busy || kind_ == ErrorKind::conflict;
  }

  [[nodiscard]] const ErrorDetails& details() const noexcept { return shared_->details; }

  /// "varve: KIND: OPERATION of tree 'TREE' in LAYER: MESSAGE [ENGINE TEXT (code N)]"
  [[nodiscard]] const char* what() const noexcept override { return shared_->what.c_str(); }

 private:
  // Counted by hand: <memory> would cost every user of the contract a third more compile time,
  // and <atomic> an eighth.
  struct Shared {
    Shared(ErrorKind kind, ErrorDetails&& given) : details(std::move(given)) {
      what.append("varve: ").append(to_string(kind)).append(": ");
      const std::size_t head = what.size();
      if (!details.operation.empty()) what.append(details.operation);
      if (!details.tree.empty()) {
        what.append(what.size() == head ? "tree '" : " of tree '").append(details.tree).append("'");
      }
      if (!details.layer.empty()) {
        what.append(what.size() == head ? "in " : " in ").append(details.layer);
      }
      if (what.size() != head) what.append(": ");
      what.append(details.message);
      if (details.engine_text.empty() && details.engine_code == 0) return;
      what.append(" [").append(details.engine_text);
      if (details.engine_code != 0) {
        what.append(" (code ").append(std::to_string(details.engine_code)).append(")");
      }
      what.append("]");
    }

    ErrorDetails details;
    std::string what;
    int owners = 1;
  };

  ErrorKind kind_;
  Shared* shared_;
};

}  // namespace varve
