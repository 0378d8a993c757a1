#include "sidecar/monitor/monitor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "compiler/core/codec.hpp"
#include "compiler/machine/child.hpp"
#include "sidecar/monitor/verbs.hpp"

namespace aegir::monitor {
namespace {

/// So many requests are worked on at a time; a worker that asks for more is told that aegird is busy.
constexpr std::size_t kMostJobs = 256;
/// And so many runs of one slot: a tenant can make his last for as long as they may.
constexpr std::ptrdiff_t kMostRuns = 8;
/// How long a worker that was told to end may go on, and what it has begun when it is gone.
constexpr std::chrono::seconds kLastMoments{20};
constexpr std::size_t kLongestComplaint = 300;
constexpr std::size_t kLongestAnswer = wire::kMostBytes - 64;

/// Of these aegird's log tells: the request itself was wrong. An undo asks for what is not there any more, a run never.
bool is_refusal(const Error& error, bool is_run) {
  return error.code == Code::kInvalid || error.code == Code::kConflict || error.code == Code::kPermission ||
         (is_run && error.code == Code::kNotFound);
}

void send_signal(pid_t child) { (void)::kill(child, SIGTERM); }

}  // namespace

Monitor::Monitor(Config config, Accounts accounts, Fd channel, int log)
    : config_(std::move(config)), accounts_(accounts), channel_(std::move(channel)), log_(log) {}

/// Until when the loop has something to do although nothing comes, in milliseconds as poll() wants them.
int Monitor::longest_wait() const {
  constexpr int kSecond = 1000;
  if (complaints_ > 0) return kSecond;
  if (!last_moment_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*last_moment_ - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

/// Nothing is taken any more. Runs are ended; what else is at work may be finished, for a while.
void Monitor::close() {
  if (!std::exchange(open_, false)) return;
  last_moment_ = std::chrono::steady_clock::now() + kLastMoments;
  for (const auto& [child, job] : jobs_) {
    if (job.is_run) send_signal(child);
  }
}

/// All that aegird does can be done again, so nothing is lost but time.
void Monitor::kill_jobs() {
  last_moment_.reset();
  for (const auto& [child, job] : jobs_) (void)::kill(child, SIGKILL);
}

void Monitor::take_signal(std::optional<pid_t> worker, int signals) {
  signalfd_siginfo which{};
  while (::read(signals, &which, sizeof which) > 0) {
  }
  told_to_end_ = true;
  if (!worker || last_moment_) {
    close();
    return;
  }
  (void)::kill(*worker, SIGTERM);
  last_moment_ = std::chrono::steady_clock::now() + kLastMoments;
}

Result<void> Monitor::serve(std::optional<pid_t> worker) {
  // A worker that does not read its answers is no worker.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  if (::setsockopt(channel_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
    return fail_errno("can't be set up", "the socket to aegird-worker", errno);
  }
  // One site's process that can't be ended must not keep all others from being served: its own slot is refused then.
  Result<std::set<uid_t>> left = end_stray_runs(config_.uid_first, config_.uid_last);
  if (!left) return pass(left);
  stray_ = *std::move(left);
  for (const uid_t uid : stray_) complain("a process of uid " + std::to_string(uid) + " can't be ended");
  sigset_t asked;
  ::sigemptyset(&asked);
  ::sigaddset(&asked, SIGTERM);
  ::sigaddset(&asked, SIGINT);
  const Fd signals(::signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK));
  while (open_ || !jobs_.empty()) {
    std::vector<pollfd> waits{{.fd = open_ ? signals.get() : -1, .events = POLLIN, .revents = 0},
                              {.fd = open_ ? channel_.get() : -1, .events = POLLIN, .revents = 0}};
    std::vector<pid_t> children;
    for (const auto& [child, job] : jobs_) {
      children.push_back(child);
      waits.push_back({.fd = job.answer.get(), .events = POLLIN, .revents = 0});
    }
    if (::poll(waits.data(), waits.size(), longest_wait()) < 0 && errno != EINTR) {
      return fail_errno("can't wait", "aegird", errno);
    }
    if (waits[0].revents != 0) take_signal(worker, signals.get());
    if (last_moment_ && std::chrono::steady_clock::now() >= *last_moment_) {
      if (!open_) kill_jobs();
      close();
    }
    if (waits[1].revents != 0) take_packet();
    for (std::size_t n = 0; n < children.size(); ++n) {
      if (waits[n + 2].revents != 0) take_answer(children[n]);
    }
    tell_complaints();
  }
  return {};
}

void Monitor::take_packet() {
  Result<std::optional<wire::Packet>> packet = wire::receive(channel_.get());
  if (!packet) {
    // There is no number to answer to.
    if (packet.error().code == Code::kIo) close();
    return complain(packet.error().message);
  }
  if (!*packet) return close();
  wire::Decoder decoder((*packet)->bytes);
  std::uint64_t request = 0;
  std::uint64_t verb = 0;
  if (!decoder.get(request) || !decoder.get(verb)) return complain("a message without request and verb");
  const std::string order = (*packet)->bytes.substr(2 * sizeof(std::uint64_t));
  if (verb == static_cast<std::uint64_t>(wire::Verb::kEndRun)) return end_run(request, order);
  start(request, verb, *std::move(*packet), order);
}

void Monitor::start(std::uint64_t request, std::uint64_t verb, wire::Packet packet, std::string_view order) {
  if (verb >= wire::kVerbs) return refuse(request, {Code::kInvalid, "there is no verb " + std::to_string(verb)});
  if (jobs_.size() >= kMostJobs) {
    return refuse(request, {Code::kBusy, "aegird works on " + std::to_string(kMostJobs) + " requests already"});
  }
  if (order.size() > longest_order(verb)) {
    return refuse(request, {Code::kInvalid, "an order of " + std::to_string(order.size()) + " bytes is too long"});
  }
  const bool is_run = verb == static_cast<std::uint64_t>(wire::Verb::kRun);
  const uid_t uid = is_run ? uid_of_run(order) : 0;
  Result<bool> after_stray = is_run ? may_run(uid) : false;
  if (!after_stray) return refuse(request, after_stray.error());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse(request, {Code::kIo, "aegird can't make a pipe"});
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return refuse(request, {Code::kIo, "aegird can't fork"});
  if (child == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
    channel_ = Fd();
    jobs_.clear();
    const std::string result =
        serve_verb(config_, accounts_, static_cast<wire::Verb>(verb), order, packet.fds, *after_stray);
    ::_exit(write_all(writer.get(), result) ? 0 : 1);
  }
  jobs_.emplace(child, Job{request, is_run, uid, std::move(reader), {}});
}

/// Whether a run of this uid may begin: true when what an earlier one left has to be ended before.
Result<bool> Monitor::may_run(uid_t uid) {
  const auto runs =
      std::ranges::count_if(jobs_, [&](const auto& each) { return each.second.is_run && each.second.uid == uid; });
  const bool stray = stray_.contains(uid);
  if (runs < (stray ? 1 : kMostRuns)) return stray;
  return fail(Code::kBusy, "uid " + std::to_string(uid) + " has " + std::to_string(runs) + " runs already",
              "wait until one has ended");
}

void Monitor::end_run(std::uint64_t request, std::string_view order) {
  wire::Decoder decoder(order);
  std::uint64_t which = 0;
  if (!decoder.get(which) || !decoder.finished()) {
    return refuse(request, {Code::kInvalid, "an order to end a run that makes no sense"});
  }
  for (const auto& [child, job] : jobs_) {
    if (job.is_run && job.request == which) send_signal(child);
  }
  reply(request, wire::encode_result(Result<void>()));
}

void Monitor::take_answer(pid_t child) {
  Job& job = jobs_.at(child);
  char chunk[16384];
  const ssize_t size = ::read(job.answer.get(), chunk, sizeof chunk);
  if (size < 0 && errno == EINTR) return;
  if (size > 0) {
    job.bytes.append(chunk, static_cast<std::size_t>(size));
    if (job.bytes.size() <= kLongestAnswer) return;
    (void)::kill(child, SIGKILL);
    job.bytes.clear();
  }
  const Result<int> status = machine::wait_for(child);
  const Job done = std::move(jobs_.extract(child).mapped());
  if (!status || machine::exit_status(*status) != 0 || done.bytes.empty()) {
    return refuse(done.request, {Code::kInternal, "the process that had the work to do was killed"});
  }
  const std::optional<Error> error = error_in(done.bytes);
  if (done.is_run && error && error->code == Code::kBusy) stray_.insert(done.uid);
  if (done.is_run && !error) stray_.erase(done.uid);
  if (error && is_refusal(*error, done.is_run)) complain(error->message);
  reply(done.request, done.bytes);
}

void Monitor::reply(std::uint64_t request, std::string_view result) {
  wire::Encoder encoder;
  encoder.put(request);
  encoder.bytes() += result;
  Result<void> sent = wire::send(channel_.get(), encoder.bytes());
  if (sent || !open_) return;
  close();
  complain(sent.error().message);
}

void Monitor::refuse(std::uint64_t request, const Error& error) {
  complain(error.message);
  reply(request, wire::encode_result(Result<void>(std::unexpected(error))));
}

void Monitor::complain(const std::string& what) {
  complaint_ = what.substr(0, kLongestComplaint);
  ++complaints_;
  tell_complaints();
}

void Monitor::tell_complaints() {
  const auto now = std::chrono::steady_clock::now();
  if (complaints_ == 0 || now - told_ < std::chrono::seconds(1)) return;
  std::string line = "aegird: refused: ";
  for (const char c : complaint_) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (complaints_ > 1) line += " (and " + std::to_string(complaints_ - 1) + " more requests)";
  (void)write_all(log_, line + '\n');
  complaints_ = 0;
  told_ = now;
}

}  // namespace aegir::monitor
