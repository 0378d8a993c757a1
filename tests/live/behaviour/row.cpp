#include "tests/live/behaviour/row.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <ostream>

namespace aegir::live {

namespace {

void replace(std::string& text, std::string_view place, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += value.size()) {
    text.replace(at, place.size(), value);
  }
}

/// Fills in what differs from run to run.
std::string filled(std::string text, const Front& front) {
  replace(text, "{port}", front.port.text());
  replace(text, "{generation}", std::to_string(World::get().map().generation()));
  return text;
}

int lines_with(const std::string& text, const std::string& start) {
  int count = text.starts_with(start) ? 1 : 0;
  for (std::size_t at = 0; (at = text.find("\n" + start, at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace

Expect php(const std::string& site, std::vector<std::string> has) {
  has.push_back("AEGIR_SITE=" + site + "\n");
  return {.has = std::move(has), .decrypts = 1};
}

Expect file(const std::string& text) { return {.has = {text}, .lacks = {"AEGIR_SITE="}}; }

Expect status(int status, std::vector<std::string> has) {
  return {.status = status, .has = std::move(has), .lacks = {"AEGIR_SITE="}};
}

Expect moved(const std::string& location, int status) { return {.status = status, .location = location}; }

std::vector<Row> table_rows() {
  std::vector<Row> rows = host_rows();
  for (const auto part : {path_rows, state_rows, php_rows}) std::ranges::move(part(), std::back_inserter(rows));
  return rows;
}

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

std::string sent_by(const Front& front, const Row& row) { return filled(row.request, front); }

Response answer_to(const Front& front, const Row& row) {
  Endpoint endpoint = front.port.endpoint();
  endpoint.from = row.from;
  return ask(endpoint, sent_by(front, row));
}

std::vector<std::string> compare(const Front& front, const Response& answer, const Expect& expect) {
  std::vector<std::string> wrong;
  const auto demand = [&](bool holds, const std::string& what) {
    if (!holds) wrong.push_back(what);
  };
  const std::string all = answer.raw + answer.body;
  demand(answer.status == expect.status, "status " + std::to_string(expect.status));
  demand(answer.complete, "a complete answer");
  demand(answer.value("Location") == filled(expect.location, front), "Location: " + filled(expect.location, front));
  for (const std::string& text : expect.has) {
    demand(answer.body.contains(filled(text, front)), "in the body: " + filled(text, front));
  }
  for (const std::string& text : expect.lacks) demand(!all.contains(text), "nowhere: " + text);
  for (const std::string& start : expect.once) {
    demand(lines_with(answer.body, start) == 1, "one line that begins with " + start);
  }
  for (const auto& [name, value] : expect.headers) {
    demand(answer.value(name) == filled(value, front), name + ": " + filled(value, front));
  }
  return wrong;
}

void check(Front& front, const Row& row) {
  const Expect& expect = expected_of(front.kind, row);
  if (!expect.log.empty()) front.server->expect_log(expect.log);
  const std::uint64_t decrypts = front.counter("aegir_decrypts_total");
  const Response answer = answer_to(front, row);
  SCOPED_TRACE("request:\n" + sent_by(front, row) + "answer:\n" + answer.raw + answer.body);
  EXPECT_THAT(compare(front, answer, expect), ::testing::IsEmpty());
  EXPECT_EQ(front.counter("aegir_decrypts_total") - decrypts, static_cast<std::uint64_t>(expect.decrypts));
}

}  // namespace aegir::live
