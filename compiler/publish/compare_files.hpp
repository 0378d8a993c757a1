// What writing a file anew would change in it, for people: a unified difference in which secrets are masked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/core/error.hpp"
#include "compiler/publish/compare.hpp"

namespace aegir::publish {

struct FileChange {
  What what = What::kChanged;
  std::string path;
  std::string diff;         ///< against /dev/null when one of the two is not there; may be left out then
  std::string remark = {};  ///< for a person, what there is to know of it; may be empty
};

/// Compares what is at `path` with what is to be there; nothing: no file. Nothing when they are equal. `source` is
/// where what is to be there comes from, when that is another file.
[[nodiscard]] std::optional<FileChange> compare_texts(const std::string& path,
                                                      const std::optional<std::string>& present,
                                                      const std::optional<std::string_view>& wanted,
                                                      std::string_view source = {});

/// Compares the file at `path` with what is to lie there (nothing: it goes), as who we are. Nothing when they are
/// equal. What is no regular file is an error that names it.
[[nodiscard]] Result<std::optional<FileChange>> compare_file(const std::string& path,
                                                             const std::optional<std::string_view>& wanted);

/// One line of a configuration or PHP file with what looks like a secret replaced by asterisks: what follows the name
/// of a password, salt or cron key, and the password in a URL. The names of the modules' own variables stay.
[[nodiscard]] std::string masked(std::string_view line);

}  // namespace aegir::publish
