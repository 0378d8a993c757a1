#include "tests/live/behaviour/row.hpp"

#include <gtest/gtest.h>

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

void check(Front& front, const Row& row) {
  const Expect& expect = row.apache && front.kind == Kind::kApache ? *row.apache : row.expect;
  if (!expect.log.empty()) front.server->expect_log(expect.log);

  const std::uint64_t decrypts = front.counter("aegir_decrypts_total");
  Endpoint endpoint = front.port.endpoint();
  endpoint.from = row.from;
  const std::string request = filled(row.request, front);
  const Response answer = ask(endpoint, request);
  const std::string all = answer.raw + answer.body;
  SCOPED_TRACE("request:\n" + request + "answer:\n" + all);

  EXPECT_EQ(answer.status, expect.status);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.value("Location"), filled(expect.location, front));
  for (const std::string& text : expect.has) EXPECT_TRUE(answer.body.contains(filled(text, front))) << text;
  for (const std::string& text : expect.lacks) EXPECT_FALSE(all.contains(text)) << text;
  for (const std::string& start : expect.once) EXPECT_EQ(lines_with(answer.body, start), 1) << start;
  for (const auto& [name, value] : expect.headers) EXPECT_EQ(answer.value(name), filled(value, front)) << name;
  EXPECT_EQ(front.counter("aegir_decrypts_total") - decrypts, static_cast<std::uint64_t>(expect.decrypts));
}

}  // namespace aegir::live
