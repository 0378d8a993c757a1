// What an activation keeps for later runs, one file of each sort and kind of server beside the fragments: the last
// configuration that was seen in force, so that it can be put back whole, and what was taken of people's own files, so
// that an edit of one can be told.
#pragma once

#include <map>
#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::publish {

/// Contents by path.
using Files = std::map<std::string, std::string>;

enum class Kept : std::uint8_t {
  kLastGood,  ///< what we emit and accepted .htaccess files, whole
  kPeople,    ///< people's files: of each a hash
  kJudge,     ///< who has accepted the .htaccess files that are in force (judge.hpp)
};

/// kNotFound when nothing was kept yet. `service` is "apache" or "nginx". Needs root in reserve.
[[nodiscard]] Result<Files> read_kept(const Config& config, Kept what, const std::string& service);

[[nodiscard]] Result<void> write_kept(const Config& config, const Accounts& accounts, Kept what,
                                      const std::string& service, const Files& files);
/// Takes it away, if it is there.
[[nodiscard]] Result<void> forget_kept(const Config& config, Kept what, const std::string& service);

}  // namespace aegir::publish
