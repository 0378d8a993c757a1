// One MariaDB for the whole program, and aegird's view of it: an account with the rights of admin_grant() and no more.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sidecar/database/server.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::database {

class DatabaseTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  /// The test leaves nothing on the server.
  void TearDown() override;

  static live::MariaDbServer& mariadb();
  static std::string sql(const std::string& statements) { return mariadb().sql(statements); }
  /// As aegird comes in, by a file; its rights are those of admin_grant().
  [[nodiscard]] static Admin admin();
  /// The same by another socket.
  [[nodiscard]] static Admin admin_by(const std::string& socket);
  [[nodiscard]] static Server server() { return Server(admin()); }
  [[nodiscard]] static std::uint16_t port();

  /// Chooses for `uri`, and fails the test when that fails.
  [[nodiscard]] static Creation chosen(const std::string& uri);
  /// Chooses and makes.
  [[nodiscard]] static Creation made(const std::string& uri);
  /// As the site, by socket.
  [[nodiscard]] static Login login(const Creation& creation);
  /// Database, accounts and grants that bear this name, a line each, sorted; empty: nothing is there.
  [[nodiscard]] static std::string traces(const std::string& name);
  /// traces() of one that is whole.
  [[nodiscard]] static std::string whole(const Creation& creation);
  static void drop(const Creation& creation);
};

/// Nothing is taken in the registry.
[[nodiscard]] inline Result<bool> nothing_taken(const std::string& /*name*/) { return false; }

/// What describe() says of a failure; a test failure when there is none.
template <class T>
std::string words_of(const Result<T>& result) {
  if (!result) return describe(result.error());
  ADD_FAILURE() << "no error";
  return {};
}

/// For EXPECT_EQ(words(x), ""): empty when all is well.
template <class T>
std::string words(const Result<T>& result) {
  return result ? std::string() : describe(result.error());
}

}  // namespace aegir::database
