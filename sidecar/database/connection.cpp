#include "sidecar/database/connection.hpp"

#include <fcntl.h>
#include <mysql.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <thread>

#include "compiler/core/atomic_file.hpp"

namespace aegir::database {
namespace {

constexpr std::string_view kConnecting = "connect";
constexpr std::chrono::milliseconds kSecondTry{200};
constexpr unsigned long kOldestVersion = 100500;

/// What quote.cpp relies on, and an end to waiting for what others hold (a dump, an ALTER TABLE); the default is a day.
constexpr const char* kSession =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION', lock_wait_timeout = 30";

struct FreeResult {
  void operator()(MYSQL_RES* result) const noexcept { ::mysql_free_result(result); }
};

/// libmariadb keeps to itself what it has read, so the place is the file where it stands.
std::string place_of(const Admin& admin) {
  const std::string where = admin.options_file.empty() ? admin.socket : "as " + admin.options_file + " says";
  return "database server '" + admin.server + "' (" + where + ")";
}

/// Opens the file, so that what was looked at is what libmariadb reads.
Result<Fd> open_options(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return fail_errno("can't open it", path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("can't look at it", path, errno);
  if (!S_ISREG(status.st_mode)) return fail_at(path, Code::kInvalid, "is no regular file");
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return fail_at(path, Code::kPermission,
                   "belongs to uid " + std::to_string(status.st_uid) + ", who could let aegird in anywhere",
                   "give it to the user that aegird works as: chown aegir " + path);
  }
  if ((status.st_mode & 077U) != 0) {
    return fail_at(path, Code::kPermission, "holds a password and is open to others", "close it: chmod 600 " + path);
  }
  return fd;
}

}  // namespace

void Connection::Close::operator()(MYSQL* handle) const noexcept { ::mysql_close(handle); }

Connection::Connection(Handle handle, Account account, std::string place)
    : handle_(std::move(handle)), account_(account), place_(std::move(place)) {}

Result<Connection::Handle> Connection::make(std::chrono::seconds connect, std::chrono::seconds answer) {
  static std::once_flag once;
  std::call_once(once, [] { (void)::mysql_library_init(0, nullptr, nullptr); });
  Handle handle(::mysql_init(nullptr));
  if (handle == nullptr) return fail(Code::kInternal, "libmariadb has no memory for a connection");
  const auto connect_seconds = static_cast<unsigned>(connect.count());
  const auto answer_seconds = static_cast<unsigned>(answer.count());
  const unsigned none = 0;  // a server must not be able to ask for our files
  (void)::mysql_options(handle.get(), MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  (void)::mysql_options(handle.get(), MYSQL_OPT_READ_TIMEOUT, &answer_seconds);
  (void)::mysql_options(handle.get(), MYSQL_OPT_WRITE_TIMEOUT, &answer_seconds);
  (void)::mysql_options(handle.get(), MYSQL_OPT_LOCAL_INFILE, &none);
  (void)::mysql_options(handle.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  return handle;
}

Result<Connection> Connection::as_admin(const Admin& admin) {
  bool again = false;
  Result<Connection> connection = open_admin(admin, again);
  if (!connection && again) {
    std::this_thread::sleep_for(kSecondTry);
    connection = open_admin(admin, again);
  }
  return connection;
}

Result<Connection> Connection::open_admin(const Admin& admin, bool& again) {
  Result<Handle> handle = make(admin.connect_patience, admin.answer_patience);
  if (!handle) return pass(handle);
  MYSQL* mysql = handle->get();
  const bool by_file = !admin.options_file.empty();
  Fd file;
  if (by_file) {
    Result<Fd> opened = open_options(admin.options_file);
    if (!opened) return pass(opened);
    file = std::move(*opened);
    const std::string path = "/proc/self/fd/" + std::to_string(file.get());
    (void)::mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, path.c_str());
  }
  const bool connected =
      ::mysql_real_connect(mysql, by_file ? nullptr : "localhost", by_file ? nullptr : admin.user.c_str(), nullptr,
                           nullptr, 0, by_file ? nullptr : admin.socket.c_str(), 0) != nullptr;
  Connection connection(std::move(*handle), Account::kAdmin, place_of(admin));
  if (!connected) {
    again = is_of_the_moment(::mysql_errno(mysql));
    return connection.failed(kConnecting);
  }
  // Without them, libmariadb has gone to a server of its own choice.
  if (by_file && mysql->options.host == nullptr && mysql->options.unix_socket == nullptr) {
    return fail_at(admin.options_file, Code::kInvalid, "names no server in a section [client]",
                   "write it as my.cnf: [client], then lines with host=, port=, user= and password=");
  }
  if (const Result<void> ready = connection.prepare(); !ready) return std::unexpected<Error>(ready.error());
  return connection;
}

Result<void> Connection::prepare() {
  if (::mariadb_connection(handle_.get()) == 0 || ::mysql_get_server_version(handle_.get()) < kOldestVersion) {
    return fail_at(place_, Code::kInvalid, "is " + version() + "; MariaDB 10.5 or newer is needed",
                   "name another server, or upgrade this one");
  }
  return run(kSession, "set up the session");
}

Result<Connection> Connection::as_site(const Login& login) {
  Result<Handle> handle = make(std::chrono::seconds(5), std::chrono::seconds(30));
  if (!handle) return pass(handle);
  MYSQL* mysql = handle->get();
  const bool by_socket = !login.socket.empty();
  const bool connected =
      ::mysql_real_connect(mysql, by_socket ? "localhost" : login.host.c_str(), login.user.c_str(),
                           login.password.c_str(), login.database.c_str(), by_socket ? 0U : login.port,
                           by_socket ? login.socket.c_str() : nullptr, 0) != nullptr;
  Connection connection(std::move(*handle), Account::kSite,
                        "database '" + login.database + "' (" +
                            (by_socket ? login.socket : login.host + ":" + std::to_string(login.port)) + ")");
  if (!connected) return connection.failed("log in as '" + login.user + "'");
  return connection;
}

Result<void> Connection::run(const std::string& statement, std::string_view doing) {
  if (::mysql_real_query(handle_.get(), statement.data(), statement.size()) != 0) return failed(doing);
  return {};
}

Result<Rows> Connection::rows(const std::string& statement, std::string_view doing) {
  if (const Result<void> sent = run(statement, doing); !sent) return std::unexpected<Error>(sent.error());
  const std::unique_ptr<MYSQL_RES, FreeResult> result(::mysql_store_result(handle_.get()));
  if (result == nullptr) return failed(doing);
  Rows rows;
  const unsigned columns = ::mysql_num_fields(result.get());
  while (const MYSQL_ROW row = ::mysql_fetch_row(result.get())) {
    const unsigned long* lengths = ::mysql_fetch_lengths(result.get());
    std::vector<std::string>& values = rows.emplace_back(columns);
    for (unsigned i = 0; i < columns; ++i) {
      if (row[i] != nullptr) values[i].assign(row[i], lengths[i]);
    }
  }
  return rows;
}

std::string Connection::version() const { return ::mysql_get_server_info(handle_.get()); }

std::unexpected<Error> Connection::failed(std::string_view doing) const {
  return std::unexpected<Error>(
      failure(place_, account_, doing, ::mysql_errno(handle_.get()), ::mysql_error(handle_.get())));
}

}  // namespace aegir::database
