// Hostile values, escaped by us and read back by the real parsers: what comes back is the value, or it was refused for
// a reason that the contract names.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "compiler/emit/escape.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {
namespace {

// Characters that mean something to one of the languages, a few that do not, and sometimes one that none can say.
std::string hostile() {
  static const std::string printable = "\"'\\{}% #;<>=[]()!&|~^*?,:@`anx0\xc3\xa9";
  static const std::string refused("$\t\n\r\0\x7f", 6);
  const auto character =
      rc::gen::weightedOneOf<char>({{200, rc::gen::elementOf(printable)}, {1, rc::gen::elementOf(refused)}});
  return *rc::gen::container<std::string>(character);
}

bool has_control(std::string_view value) {
  return std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// The value as Apache's log shows it, without the escapes that the log adds.
std::string unlogged(std::string_view text) {
  std::string value;
  while (!text.empty()) {
    if (text.starts_with("\\x") && text.size() >= 4) {
      value += static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16));
      text.remove_prefix(4);
      continue;
    }
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    value += text.front();
    text.remove_prefix(1);
  }
  return value;
}

RC_GTEST_PROP(Escape, ApacheReadsTheValueBack, ()) {
  const std::string value = "/none/v" + hostile();
  const Result<std::string> escaped = emit::apache(value);
  RC_ASSERT(escaped.has_value() == (!has_control(value) && !value.contains("${")));
  if (!escaped) return;
  const ApacheServer apache;  // complains about a document root that does not exist, naming it
  const Finished finished = apache.test(apache.frame({.main = "DocumentRoot " + *escaped + "\n", .module = false}));
  const std::size_t begin = finished.output.find("DocumentRoot '") + 14;
  const std::size_t end = finished.output.rfind("' is not a directory");
  RC_LOG() << finished.output;
  RC_ASSERT(begin < end);
  RC_ASSERT(end != std::string::npos);
  RC_ASSERT(unlogged(finished.output.substr(begin, end - begin)) == value);
}

RC_GTEST_PROP(Escape, NginxReadsTheValueBack, ()) {
  const std::string value = "v" + hostile();
  const Result<std::string> escaped = emit::nginx(value);
  RC_ASSERT(escaped.has_value() == (!has_control(value) && !value.contains('$')));
  if (!escaped) return;
  const NginxServer nginx;  // makes the log files of a configuration that it tests
  const std::string logs = nginx.path("logs/");
  put(logs + "present", "");
  const Finished finished =
      nginx.test(nginx.frame({.http = "access_log " + emit::nginx(logs + value).value() + ";\n", .module = false}));
  RC_LOG() << finished.output;
  RC_ASSERT(finished.status == 0);
  std::set<std::string> made;
  for (const auto& entry : std::filesystem::directory_iterator(logs)) made.insert(entry.path().filename());
  RC_ASSERT(made == std::set<std::string>({"present", value}));
}

RC_GTEST_PROP(Escape, FpmReadsTheValueBack, ()) {
  const std::string value = hostile();
  const Result<std::string> escaped = emit::fpm(value);
  RC_ASSERT(escaped.has_value() ==
            (!value.empty() && !has_control(value) && value.find_first_of("$\"\\") == std::string::npos));
  if (!escaped) return;
  const FpmServer fpm;  // prints the configuration that it tests
  put(fpm.path("test.conf"), "[global]\nerror_log = " + fpm.path("error.log") +
                                 "\n[p]\nuser = 300000\ngroup = 300000\n" + "listen = " + fpm.path("s.sock") +
                                 "\npm = ondemand\npm.max_children = 1\nenv[V] = " + *escaped + "\n");
  const Finished finished = run({"php-fpm8.2", "-n", "-tt", "-y", fpm.path("test.conf")});
  RC_LOG() << finished.output;
  RC_ASSERT(finished.status == 0);
  RC_ASSERT(finished.output.contains("\tenv[V] = " + value + "\n"));
}

}  // namespace
}  // namespace aegir::live
