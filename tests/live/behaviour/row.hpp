// One row of the behaviour table: a request, byte for byte, and what every server must answer.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/live/behaviour/world.hpp"

namespace aegir::live {

/// An answer. In all texts "{port}" is the port that was asked, "{generation}" that of the map.
struct Expect {
  int status = 200;
  std::string location = {};                                      ///< exactly; empty: there must be none
  std::vector<std::string> has = {};                              ///< in the body
  std::vector<std::string> lacks = {};                            ///< nowhere in the answer
  std::vector<std::string> once = {};                             ///< beginnings of lines of the body, each there once
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< exactly; an empty value: not there
  int decrypts = 0;                                               ///< sets of credentials that the request opens
  std::string log = {};  ///< the bad line that it leaves in the error log (a regex)
};

/// What PHP prints when the site answered; credentials are opened once.
[[nodiscard]] Expect php(const std::string& site, std::vector<std::string> has = {});
/// A static file with this text.
[[nodiscard]] Expect file(const std::string& text);
[[nodiscard]] Expect status(int status, std::vector<std::string> has = {});
[[nodiscard]] Expect moved(const std::string& location, int status = 301);

struct Row {
  std::string name;                   ///< letters, digits, underscores
  std::string request;                ///< "{port}" as above
  Expect expect;                      ///< of every server
  std::optional<Expect> apache = {};  ///< where Apache differs, for a reason that stands beside the row
  std::string from = {};              ///< the client's address
};

/// The parts of the table.
[[nodiscard]] std::vector<Row> host_rows();
[[nodiscard]] std::vector<Row> path_rows();
[[nodiscard]] std::vector<Row> state_rows();
[[nodiscard]] std::vector<Row> php_rows();

/// All of it.
[[nodiscard]] std::vector<Row> table_rows();

/// Names the row, instead of its bytes, when a test fails.
std::ostream& operator<<(std::ostream& out, const Row& row);

/// The bytes of its request, and the answer to them.
[[nodiscard]] std::string sent_by(const Front& front, const Row& row);
[[nodiscard]] Response answer_to(const Front& front, const Row& row);
/// What of the expectation does not hold (decrypts and log aside).
[[nodiscard]] std::vector<std::string> compare(const Front& front, const Response& answer, const Expect& expect);
[[nodiscard]] inline const Expect& expected_of(Kind kind, const Row& row) {
  return row.apache && kind == Kind::kApache ? *row.apache : row.expect;
}

/// Sends the row's request to a server and adds a test failure for everything that is not as expected.
void check(Front& front, const Row& row);

}  // namespace aegir::live
