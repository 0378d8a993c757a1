#include "sidecar/database/failure.hpp"

#include <errmsg.h>
#include <mysqld_error.h>

#include <algorithm>
#include <string>

#include "sidecar/database/server.hpp"

namespace aegir::database {
namespace {

struct Meaning {
  Code code;
  std::string_view what;
  std::string hint;
};

Meaning refused(Account account) {
  if (account == Account::kSite) {
    return {Code::kPermission, "the account was refused",
            "verify the site: its user has another password there, or is not for this host"};
  }
  return {Code::kPermission, "aegird's own account was refused", "let it in, as the database's root: " + admin_grant()};
}

bool is_full(unsigned number, std::string_view text) {
  return number == ER_DISK_FULL || number == ER_RECORD_FILE_FULL || text.contains("errno: 28 ") ||
         text.contains("No space left");
}

Meaning meaning_of(unsigned number, std::string_view text, Account account) {
  if (is_full(number, text)) {
    return {Code::kIo, "the server's disk is full", "free some space where its data lies and run the task again"};
  }
  switch (number) {
    case CR_SOCKET_CREATE_ERROR:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_IPSOCK_ERROR:
    case CR_UNKNOWN_HOST:
      return {Code::kIo, "the server can't be reached",
              "start it (systemctl start mariadb), or mend the socket or host and port it is expected at"};
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_ERR_NET_READ:
    case CR_ERR_NET_WRITE:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_QUERY_INTERRUPTED:
      return {Code::kIo, "the connection was lost, or the server did not answer in time",
              "look into the server's log (journalctl -u mariadb), then run the task again"};
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
      return {Code::kBusy, "the server has no connection left", "wait, or raise max_connections"};
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
    case ER_HOST_NOT_PRIVILEGED:
      return refused(account);
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_KILL_DENIED_ERROR:
      if (account == Account::kAdmin)
        return {Code::kPermission, "aegird's account lacks a right", refused(account).hint};
      return {Code::kPermission, "the account has no right there",
              "verify the site: the grant on its database is gone"};
    case ER_ACCOUNT_HAS_BEEN_LOCKED:
      if (account == Account::kAdmin) return refused(account);
      return {Code::kPermission, "the account is locked",
              "a task that stands or has failed at this site has locked it; look at its tasks, then verify the site"};
    case ER_OPTION_PREVENTS_STATEMENT:
      if (text.contains("read-only") || text.contains("read_only")) {
        return {Code::kPermission, "the server is read-only",
                "name the primary, or make this one writable: SET GLOBAL read_only = OFF"};
      }
      return {Code::kPermission, "an option of the server forbids it",
              "change the option that it names; passwords come as hashes, so strict_password_validation has to be OFF"};
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
      return {Code::kBusy, "somebody else holds it",
              "see who (SHOW FULL PROCESSLIST), wait for it to end, then run the task again"};
    case ER_DB_CREATE_EXISTS:
    case ER_CANNOT_USER:
      return {Code::kConflict, "somebody else has made, changed or dropped it at the same time", "run the task again"};
    case ER_NO_SUCH_THREAD:
      return {Code::kNotFound, "that connection has ended", ""};
    case ER_BAD_DB_ERROR:
    case ER_DB_DROP_EXISTS:
      return {Code::kNotFound, "there is no such database", "restore the site from a backup, or delete it"};
    default:
      return {Code::kIo, "the server refused",
              "look into the server's log (journalctl -u mariadb), then run the task again"};
  }
}

}  // namespace

Error failure(std::string_view place, Account account, std::string_view doing, unsigned number, std::string_view text) {
  Meaning meaning = meaning_of(number, text, account);
  std::string said(text.substr(0, 300));
  std::ranges::replace_if(said, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  std::string message = "can't " + std::string(doing) + ": " + std::string(meaning.what) + " (error " +
                        std::to_string(number) + ": " + said + ")";
  return {meaning.code, std::move(message), {std::string(place), 0, 0}, std::move(meaning.hint)};
}

bool is_of_the_moment(unsigned number) noexcept {
  switch (number) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case ER_CON_COUNT_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace aegir::database
