#include "compiler/machine/http.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "compiler/core/atomic_file.hpp"

namespace aegir::machine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMost = 64U << 10U;

std::string name(const Question& question) { return question.address + " port " + std::to_string(question.port); }

/// Waits for the socket; false when the time is over.
bool ready(int fd, short events, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{fd, events, 0};
    const int count = ::poll(&wait, 1, static_cast<int>(left));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

Result<Fd> connect_to(const Question& question, Clock::time_point end) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, question.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(question.port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, question.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(question.port);
    size = sizeof v6;
  } else {
    return fail(Code::kInvalid, "'" + question.address + "' is no address");
  }
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("can't make a socket for", name(question), errno);
  int problem = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 ? 0 : errno;
  if (problem == EINPROGRESS) {
    if (!ready(fd.get(), POLLOUT, end)) return fail(Code::kBusy, name(question) + " does not take a connection");
    socklen_t length = sizeof problem;
    (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &length);
  }
  if (problem != 0) {
    return fail(Code::kNotFound, "nobody listens on " + name(question) + " (" + std::strerror(problem) + ")");
  }
  return fd;
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string_view Answer::header(std::string_view name) const {
  for (std::string_view rest = head; !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
    if (line.size() <= name.size() || line[name.size()] != ':' || !same_word(line.substr(0, name.size()), name))
      continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    return line;
  }
  return {};
}

Result<Answer> ask(const Question& question, std::chrono::milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  Result<Fd> fd = connect_to(question, end);
  if (!fd) return pass(fd);
  const std::string request =
      "GET " + question.path + " HTTP/1.0\r\nHost: " + question.host + "\r\n" + question.headers + "\r\n";
  if (!write_all(fd->get(), request)) return fail_errno("can't be asked", name(question), errno);
  std::string bytes;
  char chunk[4096];
  while (bytes.size() < kMost) {
    if (!ready(fd->get(), POLLIN, end)) return fail(Code::kBusy, name(question) + " did not answer in time");
    const ssize_t size = ::read(fd->get(), chunk, sizeof chunk);
    if (size == 0) break;
    if (size > 0) bytes.append(chunk, static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR && errno != EAGAIN) {
      return fail_errno("broke off its answer", name(question), errno);
    }
  }
  Answer answer;
  const std::size_t status = bytes.find(' ');
  const std::size_t body = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.") || body == std::string::npos) {
    return fail(Code::kInvalid, name(question) + " does not answer with HTTP");
  }
  (void)std::from_chars(bytes.data() + status + 1, bytes.data() + body, answer.status);
  answer.head = bytes.substr(0, body + 2);
  answer.body = bytes.substr(body + 4);
  return answer;
}

}  // namespace aegir::machine
