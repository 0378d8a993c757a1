#include "compiler/machine/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <thread>

#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/command.hpp"
#include "compiler/machine/sandbox.hpp"
#include "compiler/machine/server_error.hpp"

namespace aegir::machine {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kParserPatience{60000};
constexpr milliseconds kStartPatience{30000};
constexpr milliseconds kAnswerPatience{5000};
constexpr milliseconds kAgain{10};
constexpr milliseconds kSandboxPatience{180000};

// In a network of its own: an address that no configuration listens on.
constexpr const char* kOurAddress = "127.77.77.77";
constexpr std::uint16_t kOurPort = 7777;
constexpr const char* kOurHost = "htaccess.invalid";

Sandbox sandbox_of(const Config& config, bool own_network) {
  return {config.run_dir + "/sandbox", {"/var/log", config.log_dir}, own_network};
}

Result<void> put(const Change& change) {
  for (const Change::File& file : change.files) {
    if (Result<void> ok = write_file(file.path, file.content, {.mode = 0640, .durable = false}); !ok) return ok;
  }
  for (const std::string& path : change.removed) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("can't be removed", path, errno);
  }
  return {};
}

/// Runs a parser; what it says is the error.
Result<void> parse(const std::vector<std::string>& argv, Error (*error_of)(std::string_view)) {
  Result<Outcome> outcome = run_command(argv, kParserPatience);
  if (!outcome) return pass(outcome);
  if (outcome->status == 0) return {};
  return std::unexpected(error_of(outcome->output));
}

/// A virtual host that reads files as a tenant's .htaccess.
std::string judging_host(const std::string& module, const std::string& directory) {
  // A server that does not include our configuration yet has no module of ours.
  return "<IfModule !aegir_module>\n    LoadModule aegir_module \"" + module + "\"\n</IfModule>\nListen " +
         std::string(kOurAddress) + ':' + std::to_string(kOurPort) + "\n<VirtualHost " + kOurAddress + ':' +
         std::to_string(kOurPort) + ">\n    ServerName " + kOurHost + "\n    DocumentRoot \"" + directory +
         "\"\n    <Directory \"" + directory + "\">\n" +
         "        AllowOverride AuthConfig FileInfo Indexes Limit "
         "Options=FollowSymLinks,Indexes,MultiViews,SymLinksIfOwnerMatch\n"
         "        Require all granted\n        SetHandler aegir-htaccess\n    </Directory>\n</VirtualHost>\n";
}

/// httpd while it is tried. It ends with the sandbox.
class Scratch {
 public:
  Scratch(const Sandbox& sandbox, const Config& config) : sandbox_(sandbox), config_(config) {}

  Result<void> start(const std::vector<Htaccess>& htaccess) {
    const std::string directory = public_directory(sandbox_);
    for (const Htaccess& file : htaccess) {
      Result<void> ok = write_file(directory + '/' + file.name, file.content, {.mode = 0644, .durable = false});
      if (!ok) return ok;
    }
    const std::string host = directory + "/.host.conf";
    if (Result<void> ok =
            write_file(host, judging_host(config_.apache_module, directory), {.mode = 0644, .durable = false});
        !ok)
      return ok;
    std::vector<std::string> argv = config_.apache_start;
    argv.insert(argv.end(), {"-c", "Include \"" + host + '"'});
    output_ = directory + "/.output";
    const Fd output(::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!output) return fail_errno("can't be made", output_, errno);
    Result<pid_t> started = start_command(argv, output.get());
    if (!started) return pass(started);
    pid_ = *started;
    return await();
  }

  /// A file that ends its worker, or keeps it busy, is refused for itself: the others wait for their answer.
  static std::string judge(const Htaccess& file) {
    Result<Answer> answer = ask({kOurAddress, kOurPort, kOurHost, '/' + file.name}, kAnswerPatience);
    if (!answer) return "0 httpd gave no answer about it: " + answer.error().message;
    std::ranges::replace(answer->body, '\n', ' ');
    if (answer->status != 200) return "0 httpd could not read it (status " + std::to_string(answer->status) + ')';
    return answer->body;
  }

 private:
  Result<void> await() {
    const auto end = std::chrono::steady_clock::now() + kStartPatience;
    for (;;) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) return std::unexpected(ended());
      Result<Answer> answer = ask({kOurAddress, kOurPort, kOurHost, "/"}, kAnswerPatience);
      if (answer) return {};
      if (std::chrono::steady_clock::now() > end) return std::unexpected(late());
      std::this_thread::sleep_for(kAgain);
    }
  }

  [[nodiscard]] std::string output() const {
    const Result<std::string> text = read_file(output_);
    return text ? *text : std::string();
  }

  [[nodiscard]] Error ended() const {
    Error error = apache_error(output() + new_log_lines(sandbox_));
    error.message = "Apache takes this configuration and ends when it starts with it: " + error.message;
    return error;
  }
  [[nodiscard]] Error late() const {
    return {Code::kBusy,
            "Apache did not answer within " + std::to_string(kStartPatience.count()) +
                " ms of a start with this configuration; its log says:\n" + new_log_lines(sandbox_),
            {},
            {}};
  }

  const Sandbox& sandbox_;
  const Config& config_;
  std::string output_;
  pid_t pid_ = -1;
};

std::optional<Error> verdict(const Htaccess& file, std::string_view answer) {
  if (answer == "accepted") return std::nullopt;
  std::uint32_t line = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), line);
  std::string_view message = answer.substr(static_cast<std::size_t>(end - answer.data()));
  message = message.substr(std::min(message.size(), std::size_t{1}));
  Place place{{}, line, 0};
  (void)take_place(message, place);
  return Error{Code::kInvalid, std::string(message), {file.name, place.line, 0}, {}};
}

}  // namespace

bool has_line(std::string_view body, std::string_view line) {
  const std::size_t at = body.find(line);
  return at != std::string_view::npos && (at == 0 || body[at - 1] == '\n') &&
         (at + line.size() == body.size() || body[at + line.size()] == '\n');
}

Result<void> try_nginx(const Config& config, const Change& change) {
  Result<std::string> done = in_sandbox(
      sandbox_of(config, false),
      [&]() -> Result<std::string> {
        if (Result<void> ok = put(change); !ok) return pass(ok);
        if (Result<void> ok = parse(config.nginx_test, nginx_error); !ok) return pass(ok);
        return std::string();
      },
      kSandboxPatience);
  if (!done) return pass(done);
  return {};
}

Result<ApacheTrial> try_apache(const Config& config, const Change& change, const Question& status,
                               const std::string& line, const std::vector<Htaccess>& htaccess) {
  const Sandbox sandbox = sandbox_of(config, true);
  // One line for our status, one for each .htaccess.
  Result<std::string> done = in_sandbox(
      sandbox,
      [&]() -> Result<std::string> {
        if (Result<void> ok = put(change); !ok) return pass(ok);
        if (Result<void> ok = parse(config.apache_test, apache_error); !ok) return pass(ok);
        Scratch scratch(sandbox, config);
        if (Result<void> ok = own_address(status.address); !ok) return pass(ok);
        if (Result<void> ok = scratch.start(htaccess); !ok) return pass(ok);
        const Result<Answer> ours = ask(status, kAnswerPatience);
        std::string lines = ours && has_line(ours->body, line) ? "ours\n" : "other\n";
        for (const Htaccess& file : htaccess) lines += Scratch::judge(file) + '\n';
        return lines;
      },
      kSandboxPatience);
  if (!done) return pass(done);
  ApacheTrial trial;
  std::istringstream lines(*done);
  std::string answer;
  std::getline(lines, answer);
  trial.has_ours = answer == "ours";
  for (const Htaccess& file : htaccess) {
    std::getline(lines, answer);
    trial.htaccess.push_back(verdict(file, answer));
  }
  return trial;
}

}  // namespace aegir::machine
