#include "tests/live/harness/server.hpp"

#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX

#include <algorithm>
#include <array>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace aegir::live {

namespace {

/// nginx writes "[crit]", Apache "[core:crit]", PHP-FPM "ERROR:"; sanitizers write where stderr goes.
bool is_bad(std::string_view line) {
  static constexpr std::array<std::string_view, 12> kSigns = {"[alert]", "[emerg]", "[crit]",    "[error]",
                                                              ":alert]", ":emerg]", ":crit]",    ":error]",
                                                              "ALERT:",  "ERROR:",  "Sanitizer", "runtime error"};
  return std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) { return line.contains(sign); });
}

std::string join(const std::vector<pid_t>& pids) {
  std::string text;
  for (const pid_t pid : pids) text += (text.empty() ? "" : " ") + std::to_string(pid);
  return text.empty() ? "none" : text;
}

}  // namespace

Server::Server(Habits habits) : habits_(std::move(habits)) {}

Server::~Server() {
  if (process_ != nullptr) stop();
}

pid_t Server::pid() const {
  if (process_ == nullptr) throw std::runtime_error(habits_.name + " does not run");
  return process_->pid();
}

bool Server::running() const { return process_ != nullptr && process_->running(); }

std::vector<pid_t> Server::workers() const { return children_of(pid()); }

void Server::signal(int number) const {
  if (process_ != nullptr) process_->signal(number);
}

std::vector<std::string> Server::environment() {
#ifdef AEGIR_LIVE_PRELOAD
  return {"LD_PRELOAD=" AEGIR_LIVE_PRELOAD, "UBSAN_OPTIONS=print_stacktrace=1"};
#else
  return {};
#endif
}

void Server::launch(const std::vector<std::string>& argv, const std::vector<Endpoint>& ready, std::size_t workers) {
  if (running()) throw std::runtime_error(habits_.name + " runs already");
  const std::vector<std::string> variables = habits_.loads_modules ? environment() : std::vector<std::string>{};
  process_ = std::make_unique<Process>(Command{argv, variables, path("output"), directory()});
  for (const Endpoint& endpoint : ready) {
    await([&] { return static_cast<bool>(connect_to(endpoint)); }, "does not listen on " + endpoint.describe());
  }
  await([&] { return this->workers().size() >= workers; }, "does not start its workers");
}

void Server::await(const std::function<bool()>& ready, const std::string& complaint) {
  const bool answered = eventually([&] { return !process_->running() || ready(); });
  if (answered && process_->running()) return;
  process_.reset();
  throw std::runtime_error(habits_.name + " " + complaint + ":\n" + log());
}

void Server::reload() {
  const std::vector<pid_t> before = workers();
  std::vector<pid_t> now;
  signal(habits_.reload_signal);
  const bool done = eventually([&] {
    now = workers();
    return now.size() >= before.size() && std::ranges::find_first_of(now, before) == now.end();
  });
  if (done) return;
  throw std::runtime_error(habits_.name + " had the workers " + join(before) + ", and long after a reload it has " +
                           join(now) + ":\n" + log());
}

void Server::stop() {
  if (process_ == nullptr) return;
  process_->signal(habits_.stop_signal);
  const std::optional<int> status = process_->wait();
  if (!status) {
    ADD_FAILURE() << habits_.name << " does not end:\n" << log();
  } else if (*status != 0) {
    ADD_FAILURE() << habits_.name << " ended with status " << *status << ":\n" << log();
  }
  process_.reset();
  check_log();
}

void Server::expect_log(const std::string& regex) { expected_.push_back(regex); }

void Server::tolerate_log(const std::string& regex) { tolerated_.push_back(regex); }

std::string Server::log() const { return slurp(path("error.log")) + slurp(path("output")); }

void Server::check_log() const {
  std::istringstream lines(log());
  std::vector<bool> met(expected_.size());
  for (std::string line; std::getline(lines, line);) {
    if (!is_bad(line)) continue;
    bool declared = !habits_.noise.empty() && std::regex_search(line, std::regex(habits_.noise));
    declared = declared || std::ranges::any_of(tolerated_, [&](const std::string& regex) {
                 return std::regex_search(line, std::regex(regex));
               });
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      if (!std::regex_search(line, std::regex(expected_[i]))) continue;
      declared = true;
      met[i] = true;
    }
    if (!declared) ADD_FAILURE() << habits_.name << " wrote what no test has declared: " << line;
  }
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    if (!met[i]) ADD_FAILURE() << habits_.name << " never wrote a bad line with: " << expected_[i];
  }
}

}  // namespace aegir::live
