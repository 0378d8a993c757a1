// A directory of a test's own, gone when the test ends.
#pragma once

#include <string>
#include <string_view>

namespace aegir::live {

/// Made below /dev/shm (or /tmp), owner root, mode 0755, so that workers of any uid can enter it. Removed
/// with all that is in it when the object goes.
class TempDir {
 public:
  TempDir();
  /// Below another folder, for what is too large for memory.
  explicit TempDir(const std::string& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// path() + "/" + name.
  [[nodiscard]] std::string path(std::string_view name) const;

 private:
  std::string path_;
};

/// Writes a file (0644) and the directories (0755) that it needs. Throws std::runtime_error.
void put(const std::string& path, std::string_view content);

/// The whole of a file; empty when it is not there.
[[nodiscard]] std::string slurp(const std::string& path);

}  // namespace aegir::live
