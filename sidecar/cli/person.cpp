#include "sidecar/cli/person.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

namespace aegir::client {
namespace {

/// The terminal shows nothing that is typed, while it lives.
class Unseen {
 public:
  Unseen() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_set_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~Unseen() {
    if (!is_set_) return;
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    (void)std::fputc('\n', stderr);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  termios before_{};
  bool is_set_ = false;
};

}  // namespace

Result<void> confirm(const std::string& question, const std::string& instead) {
  if (::isatty(STDIN_FILENO) == 0) return fail(Code::kUsage, "nobody can be asked: " + question, instead);
  (void)std::fprintf(stderr, "%s Type yes: ", question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return fail(Code::kConflict, "nothing was done");
}

Result<std::string> password(const std::string& prompt) {
  const bool is_person = ::isatty(STDIN_FILENO) != 0;
  if (is_person) (void)std::fprintf(stderr, "%s: ", prompt.c_str());
  std::string typed;
  {
    const std::unique_ptr<Unseen> unseen = is_person ? std::make_unique<Unseen>() : nullptr;
    std::getline(std::cin, typed);
  }
  if (!typed.empty()) return typed;
  return fail(Code::kUsage, "no password was given", "type it, or send it as the first line of standard input");
}

}  // namespace aegir::client
