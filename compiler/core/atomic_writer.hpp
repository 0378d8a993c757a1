// A file that is written piece by piece and is the old one or the new one to everybody else, never half: what
// write_file() (atomic_file.hpp) does with a text that is in memory whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/core/atomic_file.hpp"

namespace aegir {

/// One file in the making, beside its place. Until finish() the old one stays, and when this goes without it, nothing
/// is left behind.
class AtomicWriter {
 public:
  /// Makes the temporary file `.<name>.<pid>.tmp` in the directory of `path`.
  [[nodiscard]] static Result<AtomicWriter> begin(const std::string& path, const WriteOptions& options = {});
  AtomicWriter(AtomicWriter&& other) noexcept = default;
  AtomicWriter& operator=(AtomicWriter&&) = delete;
  ~AtomicWriter();

  [[nodiscard]] Result<void> write(std::string_view piece);
  /// Puts the file in its place; once, as the last. Who calls it must be able to rename there.
  [[nodiscard]] Result<void> finish();

 private:
  AtomicWriter(std::string path, std::string temporary, const WriteOptions& options, Fd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), options_(options), fd_(std::move(fd)) {}

  std::string path_;
  std::string temporary_;
  WriteOptions options_;
  Fd fd_;  ///< open until finish()
};

}  // namespace aegir
