// The only file of the service that includes Beast, which takes long to compile.
#include "sidecar/api/server.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <utility>  // before Asio 1.74, which uses std::exchange without it

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "sidecar/api/listener.hpp"
#include "sidecar/api/routes.hpp"

namespace aegir::api {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Local = net::local::stream_protocol;
using Stream = beast::basic_stream<Local>;
using Problem = boost::system::error_code;

constexpr std::string_view kName = "aegir";

}  // namespace

class Session;

/// What all connections share. Everything but told() happens in the server's thread.
class Server::Core {
 public:
  Core(Service& service, ServerOptions options, Listener listener);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] Service& service() { return service_; }
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  /// Streams of events by their task.
  std::multimap<std::uint64_t, Session*> streams;
  std::size_t administrators = 0;  ///< connections, as the next
  std::size_t others = 0;

 private:
  void accept();
  void take(Local::socket socket);
  void told(std::uint64_t task);
  void deliver();

  Service& service_;
  const ServerOptions options_;
  Listener listener_;
  std::mutex mutex_;  ///< for news_
  std::set<std::uint64_t> news_;
  // It owns the sessions, which use what stands above.
  net::io_context io_{1};
  Local::acceptor acceptor_{io_};
  net::steady_timer pause_{io_};
  std::uint64_t subscription_ = 0;
  std::jthread thread_;
};

/// One connection: a request and its answer after the other, or at last a stream of events. It lives as long as
/// something of it waits.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server::Core& core, Local::socket socket, Actor actor)
      : core_(core), actor_(std::move(actor)), stream_(std::move(socket)), heartbeat_(stream_.get_executor()) {
    ++connections();
  }
  ~Session() {
    --connections();
    forget_stream();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(core_.options().longest_header));
    parser_->body_limit(core_.options().longest_body);
    stream_.expires_after(patience());
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](Problem problem, std::size_t) { self->on_read(problem); });
  }

  /// Writes what is new of the task, unless something is being written: then it is asked again afterwards.
  void pump() {
    if (writing_ || closed_) return;
    if (last_) return close();
    const Result<std::string> text = events_->next();
    last_ = !text || events_->finished();
    std::string news = text ? *text : "";
    if (news.empty() && !last_) {
      if (!std::exchange(beat_, false)) return wait_for_heartbeat();
      news = ": \n\n";  // a comment: shows both ends that the other is there
    }
    send_chunk(news);
  }

 private:
  [[nodiscard]] std::size_t& connections() { return actor_.right == Right::kAll ? core_.administrators : core_.others; }
  [[nodiscard]] std::chrono::milliseconds patience() const {
    return actor_.right == Right::kAll ? core_.options().patience : core_.options().others_patience;
  }

  void on_read(Problem problem) {
    if (!problem) {
      const auto& message = parser_->get();
      Request request{std::string(message.method_string()), std::string(message.target()), {}, message.body()};
      for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
      // What answers HEAD has no body, and ours have: the end of the connection says where it ends.
      return write(answer(core_.service(), actor_, request), message.keep_alive() && request.method != "HEAD",
                   message.version());
    }
    constexpr unsigned kVersion = 11;
    if (problem == http::error::header_limit || problem == http::error::buffer_overflow) {
      return write(refusal(431, {Code::kUsage, "the headers are too long", {}, "send less than 16 KiB of them"}), false,
                   kVersion);
    }
    if (problem == http::error::body_limit) {
      return write(refusal(413, {Code::kUsage, "the body is too long", {}, "send less than 1 MiB"}), false, kVersion);
    }
    if (problem == http::error::end_of_stream || problem == http::error::partial_message ||
        problem.category() != http::make_error_code(http::error::bad_method).category()) {
      return close();  // gone, or too slow
    }
    write(refusal(400, {Code::kUsage, "this is no HTTP request: " + problem.message(), {}, "see RFC 9112"}), false,
          kVersion);
  }

  void write(Answer given, bool keep, unsigned version) {
    if (given.events != nullptr) {
      constexpr unsigned kChunks = 11;  // what can be sent in pieces
      if (version >= kChunks) return begin_stream(std::move(given));
      given = refusal(505, {Code::kUsage, "events need HTTP/1.1", {}, "ask for the log instead"});
    }
    response_.emplace();
    response_->version(version);
    response_->result(given.status);
    response_->set(http::field::server, boost::string_view(kName.data(), kName.size()));
    for (const auto& [name, value] : given.headers)
      response_->set(name, boost::string_view(value.data(), value.size()));
    response_->keep_alive(keep);
    response_->body() = std::move(given.body);
    response_->prepare_payload();
    stream_.expires_after(patience());
    http::async_write(stream_, *response_, [self = shared_from_this(), keep](Problem problem, std::size_t) {
      if (problem || !keep) return self->close();
      self->read();
    });
  }

  void begin_stream(Answer given) {
    events_ = std::move(given.events);
    core_.streams.emplace(events_->task(), this);
    out_ = "HTTP/1.1 200 OK\r\nServer: " + std::string(kName) + "\r\n";
    for (const auto& [name, value] : given.headers) ((out_ += name) += ": ") += value + "\r\n";
    out_ += "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    // Nothing more is expected of the other end but that it goes away.
    stream_.expires_never();
    stream_.async_read_some(net::buffer(&ignored_, 1), [self = shared_from_this()](Problem, std::size_t) {
      if (!self->last_) self->close();
    });
    send();
  }

  void send_chunk(const std::string& text) {
    out_.clear();
    if (!text.empty()) {
      std::array<char, 20> size{};
      (void)std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
      out_ = size.data() + text + "\r\n";
    }
    if (last_) out_ += "0\r\n\r\n";
    send();
  }

  void send() {
    writing_ = true;
    stream_.expires_after(patience());
    net::async_write(stream_, net::buffer(out_), [self = shared_from_this()](Problem problem, std::size_t) {
      self->writing_ = false;
      if (problem) return self->close();
      self->pump();
    });
  }

  void wait_for_heartbeat() {
    heartbeat_.expires_after(core_.options().heartbeat);
    heartbeat_.async_wait([self = shared_from_this()](Problem problem) {
      if (problem) return;  // another wait has begun, or the connection is closed
      self->beat_ = true;
      self->pump();
    });
  }

  void forget_stream() {
    if (events_ == nullptr) return;
    auto [at, end] = core_.streams.equal_range(events_->task());
    while (at != end) at = at->second == this ? core_.streams.erase(at) : std::next(at);
  }

  void close() {
    closed_ = true;
    forget_stream();
    heartbeat_.cancel();
    stream_.close();
  }

  Server::Core& core_;
  const Actor actor_;
  Stream stream_;
  beast::flat_buffer buffer_{std::size_t{128} << 10U};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;

  // Of a stream of events.
  std::unique_ptr<Events> events_;
  net::steady_timer heartbeat_;
  std::string out_;
  char ignored_ = 0;
  bool writing_ = false;
  bool beat_ = false;
  bool last_ = false;  ///< the end of the stream is written
  bool closed_ = false;
};

Server::Core::Core(Service& service, ServerOptions options, Listener listener)
    : service_(service), options_(std::move(options)), listener_(std::move(listener)) {
  acceptor_.assign(Local(), listener_.socket.release());
  subscription_ = service_.subscribe([this](std::uint64_t task) { told(task); });
  accept();
  // Signals are the business of the program's first thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this] {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& problem) {
        (void)std::fprintf(stderr, "aegird-worker: a connection of the API has failed: %s\n", problem.what());
      }
    }
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Server::Core::~Core() {
  service_.unsubscribe(subscription_);
  io_.stop();
  thread_ = {};
  listener_.remove();
}

void Server::Core::accept() {
  acceptor_.async_accept([this](Problem problem, Local::socket socket) {
    if (problem == net::error::operation_aborted) return;
    if (!problem) {
      take(std::move(socket));
      return accept();
    }
    // No descriptors or no memory: others have to give some back first.
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](Problem stopped) {
      if (!stopped) accept();
    });
  });
}

void Server::Core::take(Local::socket socket) {
  Result<Actor> actor = peer_of(socket.native_handle(), options_.administrators);
  if (!actor || actor->right == Right::kNothing) return;
  const bool is_full =
      actor->right == Right::kAll ? administrators >= options_.most_connections : others >= options_.most_others;
  if (is_full) {
    constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    (void)::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  std::make_shared<Session>(*this, std::move(socket), *std::move(actor))->read();
}

/// In any thread, perhaps with the engine's locks held.
void Server::Core::told(std::uint64_t task) {
  {
    const std::lock_guard lock(mutex_);
    news_.insert(task);
    if (news_.size() > 1) return;  // deliver() is on its way
  }
  net::post(io_, [this] { deliver(); });
}

void Server::Core::deliver() {
  std::set<std::uint64_t> news;
  {
    const std::lock_guard lock(mutex_);
    news.swap(news_);
  }
  for (const std::uint64_t task : news) {
    // pump() may end a session, which takes itself off the list.
    std::vector<std::shared_ptr<Session>> watching;
    const auto [begin, end] = streams.equal_range(task);
    for (auto at = begin; at != end; ++at) watching.push_back(at->second->shared_from_this());
    for (const std::shared_ptr<Session>& session : watching) session->pump();
  }
}

Result<std::unique_ptr<Server>> Server::start(Service& service, ServerOptions options) {
  Result<Listener> listener = Listener::open(options.path);
  if (!listener) return pass(listener);
  return std::unique_ptr<Server>(new Server(std::make_unique<Core>(service, std::move(options), *std::move(listener))));
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Server::~Server() = default;

}  // namespace aegir::api
