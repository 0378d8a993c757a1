#include "sidecar/monitor/mail.hpp"

#include <grp.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGKILL as everywhere here
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/machine/command.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::monitor {
namespace {

constexpr std::size_t kLongestMail = 64U << 10U;

Result<void> check_recipient(const std::string& recipient) {
  const registry::Problems problems = registry::validate(registry::Client{"mail", "", recipient});
  if (problems.empty() && !recipient.empty() && !recipient.starts_with('-')) return {};
  return fail(Code::kInvalid, printable(recipient) + " is no address for a mail");
}

/// A descriptor that reads the text from its beginning.
Result<Fd> file_with(const std::string& text) {
  Fd file(::memfd_create("mail", MFD_CLOEXEC));
  if (!file) return fail_errno("can't be made", "a file for a mail", errno);
  if (!write_all(file.get(), text)) return fail_errno("can't be written", "a file for a mail", errno);
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("can't be read again", "a file for a mail", errno);
  return file;
}

}  // namespace

Result<void> send_mail(const Config& config, const Accounts& accounts, const wire::MailOrder& order,
                       std::chrono::milliseconds patience) {
  if (Result<void> good = check_recipient(order.recipient); !good) return good;
  if (order.text.size() > kLongestMail || order.text.contains('\0')) {
    return fail(Code::kInvalid, "a mail that is too long, or no text");
  }
  // Who starts a program with a set-uid bit decides who it thinks has sent the mail. The end with aegird is asked for
  // again, since a change of uid takes it back.
  if (::setgroups(1, &accounts.aegir_group) != 0 ||
      ::setresgid(accounts.aegir_group, accounts.aegir_group, accounts.aegir_group) != 0 ||
      ::setresuid(accounts.aegir, accounts.aegir, accounts.aegir) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return fail_errno("can't become aegir", "this process", errno);
  }
  if (::access(config.sendmail.c_str(), X_OK) != 0) {
    return fail_at(config.sendmail, Code::kNotFound, "there is no mail program that aegir may run",
                   "install msmtp-mta or another one, or name it as `sendmail` in aegir.conf");
  }
  const Result<Fd> input = file_with(order.text);
  if (!input) return std::unexpected(input.error());
  // A dot alone on a line ends no mail; the address is no option.
  const Result<machine::Outcome> outcome =
      machine::run_command({config.sendmail, "-i", "--", order.recipient}, patience, input->get());
  if (!outcome) return std::unexpected(outcome.error());
  if (outcome->status == 0) return {};
  // What it says is not shown: a program that is confused may say the mail.
  return fail_at(config.sendmail, Code::kIo,
                 "the mail program refused the mail (exit status " + std::to_string(outcome->status) + ")",
                 "look into its own log, and try it as the user of aegir");
}

}  // namespace aegir::monitor
