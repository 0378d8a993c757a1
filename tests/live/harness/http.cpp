#include "tests/live/harness/http.hpp"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace aegir::live {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::size_t number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) throw std::runtime_error("no number: " + std::string(text));
  return value;
}

constexpr std::size_t kUntilClose = std::numeric_limits<std::size_t>::max();

}  // namespace

std::optional<std::string_view> Response::header(std::string_view name) const {
  for (const auto& [key, text] : headers) {
    if (same_name(key, name)) return text;
  }
  return std::nullopt;
}

std::string_view Response::value(std::string_view name) const { return header(name).value_or(std::string_view()); }

std::size_t Response::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& pair) { return same_name(pair.first, name); }));
}

Connection::Connection(const Endpoint& endpoint) : fd_(connect_to(endpoint)) {
  if (!fd_) throw std::runtime_error(endpoint.describe() + ": " + std::strerror(errno));
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    // A server that has answered and closed already is no failure: the answer is still to be read.
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::finish() { shutdown(fd_.get(), SHUT_WR); }

bool Connection::fill() {
  pollfd readable{fd_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&readable, 1, static_cast<int>(kPatience.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) throw std::runtime_error("the server is silent; it has sent: " + buffer_);
  std::array<char, 16384> block;
  const ssize_t got = recv(fd_.get(), block.data(), block.size(), 0);
  if (got <= 0) return false;
  buffer_.append(block.data(), static_cast<std::size_t>(got));
  return true;
}

bool Connection::line(std::string& out) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) return false;
  }
  out = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

void Connection::take(std::size_t size, Response& response) {
  while (buffer_.size() < size && fill()) {
  }
  response.complete = size == kUntilClose || buffer_.size() >= size;
  const std::size_t taken = std::min(size, buffer_.size());
  response.body.append(buffer_, 0, taken);
  buffer_.erase(0, taken);
}

Response Connection::read(bool head) {
  Response response;
  std::string text;
  while (buffer_.size() < 5 && fill()) {
  }
  if (!buffer_.starts_with("HTTP/")) {
    take(kUntilClose, response);
    return response;
  }
  if (!line(text) || text.size() < 12) return response;
  response.raw = text + "\r\n";
  response.version = text.substr(0, 8);
  response.status = static_cast<int>(number(std::string_view(text).substr(9, 3), 10));
  for (;;) {
    if (!line(text)) return response;
    response.raw += text + "\r\n";
    if (text.empty()) break;
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) throw std::runtime_error("no header: " + text);
    response.headers.emplace_back(text.substr(0, colon), trim(std::string_view(text).substr(colon + 1)));
  }
  if (response.status / 100 == 1) return read(head);
  if (head || response.status == 204 || response.status == 304) {
    response.complete = true;
  } else if (same_name(response.value("Transfer-Encoding"), "chunked")) {
    for (std::size_t size = 1; size != 0;) {
      if (!line(text)) return response;
      size = number(text, 16);
      take(size, response);
      if (!response.complete || !line(text)) {
        response.complete = false;
        return response;
      }
    }
  } else {
    const auto length = response.header("Content-Length");
    take(length ? number(*length, 10) : kUntilClose, response);
  }
  return response;
}

Response Connection::request(std::string_view bytes) {
  send(bytes);
  return read(bytes.starts_with("HEAD "));
}

bool Connection::closed(Milliseconds patience) {
  if (!buffer_.empty()) return false;
  pollfd readable{fd_.get(), POLLIN, 0};
  char byte = 0;
  return poll(&readable, 1, static_cast<int>(patience.count())) > 0 && recv(fd_.get(), &byte, 1, MSG_PEEK) <= 0;
}

std::string Connection::drain() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

Response ask(const Endpoint& endpoint, std::string_view bytes) { return Connection(endpoint).request(bytes); }

std::string get(std::string_view host, std::string_view target, const std::vector<std::string>& headers) {
  std::string text =
      "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  return text + "\r\n";
}

std::string in_chunks(const std::vector<std::size_t>& sizes, char filled_with) {
  std::ostringstream text;
  text << "Transfer-Encoding: chunked\r\n\r\n" << std::hex;
  for (const std::size_t size : sizes) text << size << "\r\n" << std::string(size, filled_with) << "\r\n";
  return text.str() + "0\r\n\r\n";
}

}  // namespace aegir::live
