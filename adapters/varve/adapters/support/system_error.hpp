// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace varve::support {

/// What a code of `errno` means to a program that works on its own store.
[[nodiscard]] constexpr ErrorKind kind_of_errno(int code) noexcept {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ErrorKind::no_space;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::read_only;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY: return ErrorKind::busy;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOTDIR: return ErrorKind::invalid_argument;
    case EOPNOTSUPP:
    case ENOSYS: return ErrorKind::not_supported;
    default: return ErrorKind::io;
  }
}

/// The system's own words for a code of `errno`. May be called from many threads at once.
[[nodiscard]] inline std::string errno_text(int code) {
  return std::generic_category().message(code);
}

/// The `Error` for a system call that failed with `code`. `details` brings the message and the
/// layer; the kind, the code and the system's words are filled in.
[[nodiscard]] inline Error system_error(int code, ErrorDetails details) {
  details.engine_code = code;
  details.engine_text = errno_text(code);
  return {kind_of_errno(code), std::move(details)};
}

}  // namespace varve::support
