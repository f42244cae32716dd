// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/files.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/concepts/tree.hpp>

#include <rocksdb/sst_file_writer.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Takes keys in strictly ascending order into table files of its own, and hands these to the
/// engine at `finish()`: all keys are then there at once and on disk, over what the tree held under
/// them. Dropped before that it leaves nothing.
///
/// Several may load at once, best on ranges that do not overlap. Must die before its engine. Each
/// belongs to one thread at a time.
class RocksBulkLoader {
 public:
  RocksBulkLoader(detail::rocks::Store& store, Tree tree)
      : state_(std::make_unique<State>(store, tree)) {}

  RocksBulkLoader(RocksBulkLoader&&) noexcept = default;
  RocksBulkLoader& operator=(RocksBulkLoader&&) noexcept = default;

  void put(BytesView key, BytesView value) { state_->put(key, value); }
  void finish() { state_->finish(); }

 private:
  class State {
   public:
    State(detail::rocks::Store& store, Tree tree)
        : store_(store), tree_(tree), family_(store.family(tree, operation)) {
      store_.check_writable(operation);
      rocksdb::ColumnFamilyDescriptor described;
      detail::rocks::check(family_->GetDescriptor(&described), operation, name());
      file_bytes_ = described.options.target_file_size_base;
      writer_.emplace(rocksdb::EnvOptions(),
                      rocksdb::Options(store_.engine_options().database, described.options),
                      family_);
      support::make_private_directory(store_.bulk_directory(), detail::rocks::engine_name);
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State() {
      if (store_.guard().in_child()) return;
      writer_.reset();
      for (const std::string& file : files_) static_cast<void>(::unlink(file.c_str()));
    }

    void put(BytesView key, BytesView value) {
      check_put(key, value);
      if (!in_file_) begin_file(key);
      const rocksdb::Status status =
          writer_->Put(detail::rocks::slice(key), detail::rocks::slice(value));
      if (!status.ok()) [[unlikely]]
        refuse_put(status);
      bytes_in_file_ += key.size() + value.size();
      if (bytes_in_file_ >= file_bytes_) {
        last_key_ = key;
        end_file();
      }
    }

    void finish() {
      store_.check_writable(operation);
      if (finished_) refuse("this loader has finished; take a new one for more");
      if (in_file_) end_file();
      finished_ = true;
      if (files_.empty()) return;
      const auto lock = store_.changes().share();
      static_cast<void>(store_.family(tree_, operation));
      rocksdb::IngestExternalFileOptions options;
      options.move_files = true;
      options.write_global_seqno = false;
      store_.check_change(store_.database().IngestExternalFile(family_, files_, options), operation,
                          name());
    }

   private:
    static constexpr const char* operation = "bulk_loader";

    [[nodiscard]] const std::string& name() const { return family_->GetName(); }

    void check_put(BytesView key, BytesView value) const {
      if (finished_) [[unlikely]]
        refuse("this loader has finished; take a new one for more");
      if (key.empty()) [[unlikely]]
        refuse("a key has at least one byte");
      if (key.size() > detail::rocks::limits.max_key_bytes ||
          value.size() > detail::rocks::limits.max_value_bytes) [[unlikely]] {
        refuse("a key or value is beyond the engine's limits: max_key_bytes, max_value_bytes");
      }
    }

    void begin_file(BytesView key) {
      if (!files_.empty() && key <= last_key_) refuse_order();
      static std::atomic<std::uint64_t> counter{0};
      std::string path =
          store_.bulk_directory() + "/" + std::to_string(counter.fetch_add(1)) + ".sst";
      files_.push_back(path);
      detail::rocks::check(writer_->Open(path), operation, name());
      in_file_ = true;
    }

    void end_file() {
      detail::rocks::check(writer_->Finish(), operation, name());
      detail::rocks::make_private(files_.back());
      in_file_ = false;
      bytes_in_file_ = 0;
    }

    [[noreturn]] void refuse_order() const {
      refuse("a bulk load takes keys in strictly ascending order; sort them, each key once");
    }

    [[noreturn]] void refuse_put(const rocksdb::Status& status) const {
      if (status.IsInvalidArgument()) refuse_order();
      detail::rocks::fail(status, operation, name());
    }

    [[noreturn]] void refuse(std::string message) const {
      detail::rocks::refuse(ErrorKind::invalid_argument, std::move(message), operation, name());
    }

    detail::rocks::Store& store_;
    Tree tree_;
    rocksdb::ColumnFamilyHandle* family_;
    std::optional<rocksdb::SstFileWriter> writer_;
    std::vector<std::string> files_;
    std::string last_key_;
    std::size_t file_bytes_ = 0;
    std::size_t bytes_in_file_ = 0;
    bool in_file_ = false;
    bool finished_ = false;
  };

  std::unique_ptr<State> state_;
};

}  // namespace varve
