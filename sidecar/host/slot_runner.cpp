#include "sidecar/host/slot_runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGKILL
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace aegir::host {
namespace {

std::unexpected<Error> can_not(std::string_view what) { return fail_errno(what, "a run", errno); }

/// What a program reads from its standard input. In memory that nobody can write to any more.
Result<Fd> input_of(const std::string& text) {
  if (text.empty()) {
    Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) return can_not("can't have an input");
    return nothing;
  }
  Fd memory(::memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || !write_all(memory.get(), text) || ::lseek(memory.get(), 0, SEEK_SET) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return can_not("can't have an input");
  }
  return memory;
}

/// Of one stream, what is kept.
class Heard {
 public:
  Heard(std::string& text, std::size_t longest, const std::function<void(std::string_view)>& on_line)
      : text_(text), longest_(longest), on_line_(on_line) {}

  static Result<Fd> open(Heard& heard) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return can_not("can't have an output");
    heard.reader_ = Fd(ends[0]);
    Fd writer(ends[1]);
    // Only this end: the program's own waits when it writes faster than we read.
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return can_not("can't have an output");
    return writer;
  }
  [[nodiscard]] int fd() const noexcept { return reader_.get(); }
  [[nodiscard]] bool cut() const noexcept { return cut_; }

  /// Takes what is there, but not for ever: somebody who writes all the time keeps nothing else from being done.
  void take() {
    constexpr int kMostChunks = 64;
    std::array<char, 65536> chunk;
    for (int n = 0; n < kMostChunks; ++n) {
      const ssize_t size = ::read(reader_.get(), chunk.data(), chunk.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) {
        reader_ = Fd();
        return;
      }
      keep({chunk.data(), static_cast<std::size_t>(size)});
    }
  }
  /// The last line, when it has no end of line.
  void finish() {
    if (on_line_ && begin_ < text_.size()) on_line_(std::string_view(text_).substr(begin_));
  }

 private:
  void keep(std::string_view chunk) {
    const std::size_t room = longest_ - text_.size();
    if (chunk.size() > room) cut_ = true;
    text_ += chunk.substr(0, room);
    if (!on_line_) return;
    for (std::size_t end = 0; (end = text_.find('\n', std::max(begin_, looked_))) != std::string::npos;) {
      on_line_(std::string_view(text_).substr(begin_, end - begin_));
      begin_ = looked_ = end + 1;
    }
    looked_ = text_.size();
  }

  std::string& text_;
  std::size_t longest_;
  const std::function<void(std::string_view)>& on_line_;
  Fd reader_;
  std::size_t begin_ = 0;   ///< of the line that has no end yet
  std::size_t looked_ = 0;  ///< up to here there is no end of line
  bool cut_ = false;
};

}  // namespace

Result<process::Output> SlotRunner::run(const process::Program& program) {
  process::Output output;
  const std::function<void(std::string_view)> nobody;
  Heard out(output.out, program.longest, nobody);
  Heard err(output.err, program.longest, program.on_line);
  Result<Fd> input = input_of(program.input);
  if (!input) return pass(input);
  Result<Fd> out_end = Heard::open(out);
  if (!out_end) return pass(out_end);
  Result<Fd> err_end = Heard::open(err);
  if (!err_end) return pass(err_end);
  const wire::RunOrder order{
      .slot = slot_,
      .argv = program.argv,
      .environment = program.environment,
      .directory = program.directory,
      .docroot = docroot_,
      .shown = shown_,
      .patience = static_cast<std::uint64_t>(std::max<std::int64_t>(std::min(program.patience, longest_).count(), 0))};
  Result<std::unique_ptr<Run>> run;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) {
      output.status = 128 + SIGKILL;
      output.asked = true;
      return output;
    }
    run = host_.start(order, {input->get(), out_end->get(), err_end->get()});
    if (!run) return pass(run);
    running_.insert(run->get());
  }
  *input = Fd();
  *out_end = Fd();
  *err_end = Fd();
  // The end is what aegird says: a program can hand its output on to a process that is not of the run, and stays.
  for (bool ended = false; !ended;) {
    std::array<pollfd, 3> waits{pollfd{.fd = (*run)->ended(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = out.fd(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = err.fd(), .events = POLLIN, .revents = 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    ended = waits[0].revents != 0;
    if (out.fd() >= 0 && (ended || waits[1].revents != 0)) out.take();
    if (err.fd() >= 0 && (ended || waits[2].revents != 0)) err.take();
  }
  err.finish();
  {
    const std::lock_guard lock(mutex_);
    running_.erase(run->get());
  }
  Result<wire::RunEnd> end = (*run)->wait();
  if (!end) return pass(end);
  output.status = end->status;
  output.in_time = end->in_time;
  output.asked = end->asked;
  output.cut = out.cut() || err.cut();
  // What a program asks for last may be much, and is not counted, since it does not get it.
  if (end->status != 0 && end->memory > wire::kMostMemory / 4 * 3) output.starved = wire::kMostMemory;
  return output;
}

void SlotRunner::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (Run* const run : running_) {
    // When aegird is gone, so is the run.
    const Result<void> told = run->end();
    if (!told) return;
  }
}

}  // namespace aegir::host
