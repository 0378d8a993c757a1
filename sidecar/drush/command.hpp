// A command line of Drush or bee, from plain values; and what its run said, taken apart strictly.
//
// The environment is an allow-list: PATH, HOME, the temporary directory under its three names, COLUMNS, TERM, LANG and
// the six db_* values, which is how settings.php gets its credentials. No secret stands in an argument.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/registry/document.hpp"
#include "sidecar/drush/site.hpp"
#include "sidecar/drush/text.hpp"
#include "sidecar/process/runner.hpp"

namespace aegir::drush {

using Milliseconds = std::chrono::milliseconds;

/// What must not be shown of a site: its database's password.
[[nodiscard]] std::vector<std::string> secrets_of(const Site& site);

/// `php drush.php --root --uri --yes <arguments>` in the docroot; for Backdrop `php bee.php --base-url <arguments>` in
/// the site's directory, since bee knows no uri. `progress` hears its log.
[[nodiscard]] process::Program tool_program(const Site& site, const std::vector<std::string>& arguments,
                                            Milliseconds patience, const Progress& progress = {});

/// PHP source in the docroot, without the tool: `$argv[1]` and on are the arguments.
[[nodiscard]] process::Program php_program(const Site& site, std::string_view source,
                                           const std::vector<std::string>& arguments, Milliseconds patience,
                                           const Progress& progress = {});

/// One command on one site: how its errors begin, and what may be shown of what it said.
class Command {
 public:
  /// `name` is the command as a person would type it: "pm-list". `site` outlives the command.
  Command(const Site& site, std::string name);

  /// Runs it and returns what it said when it came to an end by itself, in time, with status 0 and nothing thrown away.
  /// kBusy when it was ended by somebody or took too long; kInvalid with the reason it gave (reason_in()) otherwise.
  [[nodiscard]] Result<process::Output> run(process::Runner& runner, const process::Program& program) const;

  /// The one JSON document in `out`, which outlives it. Before and after it only white space and UTF-8's byte order
  /// mark may stand, which a PHP file with either around its code prints when it is read; PHP itself and both tools
  /// write their notices to standard error. Nothing is looked for in between. Refused are also keys that an object has
  /// twice.
  [[nodiscard]] Result<registry::Document> json(std::string_view out) const;

  /// An error of this command: `what` was found; `hint` is the next step; empty: the usual one.
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what, std::string hint = {},
                                             Code code = Code::kInvalid) const;
  /// harmless() for this site.
  [[nodiscard]] std::string quote(std::string_view hostile) const;

  [[nodiscard]] const Site& site() const noexcept { return site_; }

 private:
  const Site& site_;
  std::string name_;
  std::vector<std::string> secrets_;
};

/// Reads the members of one JSON object, whatever a tenant has put there. Each error names the command, the site, the
/// member and what was found. Members that nobody asks for are no error: versions of Drush differ in them.
class Members {
 public:
  /// `what` is the object in a message: "pm-list's node". Both outlive the reader.
  Members(const Command& command, std::string what, const registry::Node& node);

  /// A text of at most `longest` bytes without control characters.
  [[nodiscard]] Result<std::string> text(std::string_view key, std::size_t longest = 1024) const;
  /// The same, empty when it is missing or null.
  [[nodiscard]] Result<std::string> text_or_empty(std::string_view key, std::size_t longest = 1024) const;
  /// A whole number of 0 or more, which fits into 63 bits.
  [[nodiscard]] Result<std::uint64_t> number(std::string_view key) const;
  [[nodiscard]] Result<bool> flag(std::string_view key) const;

  /// What is wrong with a member.
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view key, std::string_view what) const;

 private:
  [[nodiscard]] const registry::Node* find(std::string_view key) const;
  const Command& command_;
  std::string what_;
  const registry::Node& node_;
};

}  // namespace aegir::drush
