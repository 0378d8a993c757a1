// What an error's number becomes, where no real server is brought to it (tests/live/database has the others).
#include "sidecar/database/failure.hpp"

#include <gtest/gtest.h>

namespace aegir::database {
namespace {

Error of(unsigned number, std::string_view text, Account account = Account::kAdmin) {
  return failure("database server 'local' (/run/x)", account, "create database 'shop'", number, text);
}

TEST(DatabaseFailure, NamesPlaceWorkMeaningAndNextStep) {
  const Error error = of(1021, "Disk full (/var/lib/mysql); waiting for someone to free some space...");
  EXPECT_EQ(error.code, Code::kIo);
  EXPECT_EQ(
      describe(error),
      "database server 'local' (/run/x): can't create database 'shop': the server's disk is full (error 1021: Disk "
      "full (/var/lib/mysql); waiting for someone to free some space...)\n"
      "  next: free some space where its data lies and run the task again");
}

TEST(DatabaseFailure, AFullDiskIsSeenInOtherErrors) {
  for (const unsigned number : {1006U, 1005U, 3U}) {
    const Error error = of(number, "Can't create database 'shop' (errno: 28 \"No space left on device\")");
    EXPECT_TRUE(error.message.contains("the server's disk is full")) << error.message;
  }
  EXPECT_FALSE(of(1006, "Can't create database 'shop' (errno: 13 \"Permission denied\")").message.contains("full"));
}

TEST(DatabaseFailure, ARefusalMeansAnotherThingToASite) {
  EXPECT_TRUE(of(1045, "Access denied").hint.contains("GRANT SELECT"));
  EXPECT_TRUE(of(1045, "Access denied", Account::kSite).hint.contains("verify the site"));
}

TEST(DatabaseFailure, AHostileTextStaysOnOneLine) {
  const Error error = of(9999, "a\nb\x1b[31m" + std::string(1000, 'x'));
  EXPECT_EQ(error.message.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LT(error.message.size(), 400U);
}

}  // namespace
}  // namespace aegir::database
