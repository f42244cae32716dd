// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/files.hpp>
#include <varve/concepts/bytes.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace varve::detail::rocks {

/// Finds the damage in a log that RocksDB takes for the end of it.
///
/// A log is a row of blocks of 32 KiB, and a block a row of records: checksum (4), length (2), type
/// (1), bytes. RocksDB checks the sums; but a length that points past the end of the file it takes
/// for a record that a crash cut off, a header of zeros for space not yet written, and a type of
/// recycled logs for a left-over of an older log, and it drops what comes after without a word, be
/// it a thousand acknowledged records. A log that ends by a crash looks otherwise: a torn record is
/// the last thing in it, zeros go on to its end, and only a log whose first record is of such a
/// type was recycled. What ends such a log cannot be told from damage; no log of this adapter is
/// recycled.
///
/// Format: RocksDB's wiki, "Write Ahead Log File Format"; the MANIFEST has it too.
class LogCheck {
 public:
  /// Throws `corruption` where records follow what RocksDB would take for the end.
  static void run(const std::string& path) { LogCheck(path).walk(); }

  LogCheck(const LogCheck&) = delete;
  LogCheck& operator=(const LogCheck&) = delete;

 private:
  static constexpr std::size_t block_size = 32768;
  static constexpr std::size_t header_size = 7;
  static constexpr std::size_t recyclable_header_size = 11;

  struct Header {
    explicit Header(const char* at) noexcept
        : sum(byte(at, 0) | byte(at, 1) << 8U | byte(at, 2) << 16U | byte(at, 3) << 24U),
          length(byte(at, 4) | byte(at, 5) << 8U),
          type(byte(at, 6)) {}

    static std::uint32_t byte(const char* at, std::size_t i) noexcept {
      return static_cast<unsigned char>(at[i]);
    }

    /// Written into a recycled file: only a sum tells such a record from an old one.
    [[nodiscard]] bool recyclable() const noexcept {
      return (type >= 5 && type <= 8) || type == 11 || type == 131;
    }
    [[nodiscard]] bool nothing() const noexcept { return type == 0 && length == 0; }

    std::uint32_t sum;
    std::size_t length;
    std::uint32_t type;
  };

  explicit LogCheck(const std::string& path)
      : path_(path),
        file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        block_(new char[block_size]) {
    if (!file_) fail_on_file(errno, path_, "open", "cannot be read");
    make_table();
  }

  void walk() {
    while (read_block()) {
      if (!walk_block()) return;
    }
  }

  [[nodiscard]] bool read_block() {
    start_ += size_;
    for (size_ = 0; size_ < block_size;) {
      const ssize_t got = ::pread(file_.get(), block_.get() + size_, block_size - size_,
                                  static_cast<off_t>(start_ + size_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_on_file(errno, path_, "open", "cannot be read");
      if (got == 0) break;
      size_ += static_cast<std::size_t>(got);
    }
    return size_ != 0;
  }

  /// Whether records may follow in the next block.
  [[nodiscard]] bool walk_block() {
    for (std::size_t at = 0; at + header_size <= size_;) {
      const Header header(block_.get() + at);
      if (header.recyclable()) {
        check_recycled(at, header);
        return false;
      }
      if (header.nothing()) {
        if (block_size - at < recyclable_header_size && zeros_from(at)) return true;
        check_zeros(at);
        return false;
      }
      const std::size_t next = at + header_size + header.length;
      if (next > block_size) damaged(at, "a length that does not fit into its block");
      if (next > size_) {
        check_torn(at, header);
        return false;
      }
      at = next;
    }
    return size_ == block_size;
  }

  [[nodiscard]] bool zeros_from(std::size_t at) const noexcept {
    while (at < size_ && block_[at] == 0) ++at;
    return at == size_;
  }

  void check_zeros(std::size_t at) {
    const std::uint64_t first = start_ + at;
    do {
      if (!zeros_from(at)) damaged(first, 0, "zeros with more after them");
      at = 0;
    } while (read_block());
  }

  void check_recycled(std::size_t at, const Header& header) {
    bool other_type = start_ + at != 0;
    const std::size_t room = size_ - at - header_size;
    const std::size_t length = header.length < room ? header.length : room;
    for (const char type : {'\x01', '\x02', '\x09', '\x0a', '\x82'}) {
      block_[at + 6] = type;
      other_type = other_type || sum_of(at, length) == header.sum;
    }
    if (other_type) damaged(at, "a type that is not its record's");
  }

  void check_torn(std::size_t at, const Header& header) const {
    const std::size_t body = at + header_size;
    if (sum_of(at, size_ - body) == header.sum) damaged(at, "a length that is not its record's");
    for (std::size_t next = body; next + header_size <= size_; ++next) {
      if (record_at(next)) damaged(at, "a length that covers the records after it");
    }
  }

  [[nodiscard]] bool record_at(std::size_t at) const noexcept {
    const Header header(block_.get() + at);
    if (header.type == 0 || header.recyclable()) return false;
    return at + header_size + header.length <= size_ && sum_of(at, header.length) == header.sum;
  }

  /// The masked CRC-32C of the type and the bytes of a record.
  [[nodiscard]] std::uint32_t sum_of(std::size_t at, std::size_t length) const noexcept {
    std::uint32_t sum = ~0U;
    for (const char c : BytesView(block_.get() + at + 6, 1 + length)) {
      sum = sum >> 8U ^ table_[(sum ^ static_cast<unsigned char>(c)) & 0xffU];
    }
    sum = ~sum;
    return (sum >> 15U | sum << 17U) + 0xa282ead8U;
  }

  [[noreturn]] void damaged(std::size_t at, const char* what) const { damaged(start_, at, what); }

  [[noreturn]] void damaged(std::uint64_t start, std::size_t at, const char* what) const {
    refuse(ErrorKind::corruption,
           "the log '" + path_ + "' has, at byte " + std::to_string(start + at) + ", " + what +
               ": acknowledged writes would be lost. Restore a backup; or, to go on with what "
               "precedes the damage, open with a RocksOptions::tune that sets wal_recovery_mode to "
               "kPointInTimeRecovery",
           "open");
  }

  /// The Castagnoli polynomial, reflected (RFC 3720, appendix B.4). Made here, since a table made
  /// by the compiler costs every user of the adapter.
  void make_table() noexcept {
    for (std::uint32_t i = 0; i < table_.size(); ++i) {
      table_[i] = i;
      for (int bit = 0; bit < 8; ++bit) {
        table_[i] = table_[i] >> 1U ^ ((table_[i] & 1U) != 0 ? 0x82f63b78U : 0U);
      }
    }
  }

  std::string path_;
  support::FileDescriptor file_;
  std::unique_ptr<char[]> block_;
  std::array<std::uint32_t, 256> table_{};
  std::uint64_t start_ = 0;
  std::size_t size_ = 0;
};

}  // namespace varve::detail::rocks
