#include "compiler/machine/lint.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/machine/command.hpp"

namespace aegir::machine {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr rlim_t kSeconds = 5;
constexpr rlim_t kMemory = rlim_t{1} << 30U;

Result<std::string> find_php(const Config& config, const std::string& version, const std::string& path) {
  if (version.empty() || version.find_first_not_of("0123456789.") != std::string::npos) {
    return fail(Code::kInvalid, printable(version) + " is no version of PHP");
  }
  std::string program = php_program(config.php_cli, version);
  if (::access(program.c_str(), X_OK) == 0) return program;
  return fail_at(path, Code::kConflict, "nobody has looked whether PHP can read it, since there is no " + program,
                 "install the command-line PHP of that version (Debian: php" + version +
                     "-cli), or name it in php_cli in aegir.conf, and run the command again");
}

/// A file of memory alone, which needs no right to any directory.
Result<Fd> in_memory(std::string_view content) {
  Fd file(::memfd_create("php", MFD_CLOEXEC));
  if (!file || !write_all(file.get(), content) || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail_errno("can't be made", "a file in memory", errno);
  }
  return file;
}

/// Without php.ini: what is loaded there runs in PHP. Short tags are off, as distributions have them.
std::vector<std::string> command_of(const std::string& php) {
  return {php, "-n", "-d", "display_errors=1", "-d", "log_errors=0", "-d", "html_errors=0", "-d", "short_open_tag=0",
          "-l"};
}

/// What PHP says may hold any byte of the file.
std::string one_line(std::string_view text) {
  constexpr std::size_t kMost = 300;
  std::string line(text.substr(0, std::min(kMost, text.size())));
  for (std::size_t at = 0, bad = 0; (bad = find_control_or_bad_utf8(std::string_view(line).substr(at))) != line.npos;) {
    at += bad;
    line[at] = '?';
  }
  return line;
}

/// "Parse error: <message> in Standard input code on line 7".
Error refusal(std::string_view output, const std::string& path) {
  constexpr std::string_view kWhere = " in Standard input code on line ";
  Error error{Code::kInvalid, {}, {path, 0, 0}, "mend the file, and run the command again"};
  const std::size_t where = output.rfind(kWhere);
  std::string_view message = output.substr(0, where);
  if (const std::size_t begin = message.rfind('\n');
      begin != std::string_view::npos && where != std::string_view::npos) {
    message.remove_prefix(begin + 1);
  }
  if (where != std::string_view::npos) {
    const std::string_view number = output.substr(where + kWhere.size());
    (void)std::from_chars(number.data(), number.data() + number.size(), error.place.line);
  }
  error.message = "PHP can't read it: " + one_line(message);
  return error;
}

/// In the child, which is `who` already.
Result<void> ask(const std::string& php, int input, const std::string& path) {
  for (const auto& [resource, limit] : {std::pair{RLIMIT_CPU, kSeconds},
#ifndef AEGIR_SANITIZER_RUNTIMES  // they have reserved terabytes of addresses in this process
                                        std::pair{RLIMIT_AS, kMemory},
#endif
                                        std::pair{RLIMIT_FSIZE, rlim_t{0}}, std::pair{RLIMIT_CORE, rlim_t{0}}}) {
    const rlimit both{limit, limit};
    if (::setrlimit(resource, &both) != 0) return fail_errno("limits can't be set", php, errno);
  }
  Result<Outcome> outcome = run_command(command_of(php), kPatience, input);
  if (!outcome) {
    return fail_at(path, outcome.error().code, "PHP can't tell whether it can read it: it " + outcome.error().message,
                   "look at what is in the file, and run the command again");
  }
  if (outcome->status == 0) return {};
  return std::unexpected(refusal(outcome->output, path));
}

}  // namespace

Result<void> lint_php(const Config& config, const std::string& version, Identity who, std::string_view content,
                      const std::string& path) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const Result<std::string> php = find_php(config, version, path);
  if (!php) return std::unexpected(php.error());
  const Result<Fd> input = in_memory(content);
  if (!input) return std::unexpected(input.error());
  return run_as(who, [&] { return ask(*php, input->get(), path); }, 2 * kPatience);
}

}  // namespace aegir::machine
