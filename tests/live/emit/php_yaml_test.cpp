// Hostile values as PHP and YAML, read back by php itself, by a YAML reader, and by our own parser of PHP literals.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>

#include "compiler/core/php_literal.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/emit/escape.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {
namespace {

using namespace std::string_literals;

// Pieces that mean something to one of the languages, or are hard for it.
std::string hostile() {
  static const std::vector<std::string> kPieces = {"'",
                                                   "\"",
                                                   "\\",
                                                   "\\\\'",
                                                   "$",
                                                   "${x}",
                                                   "{$x}",
                                                   "<?php",
                                                   "?>",
                                                   "\n",
                                                   "\r\n",
                                                   "\t",
                                                   "\0"s,
                                                   "\0001"s,
                                                   "#",
                                                   "//",
                                                   "*/",
                                                   "' . x . '",
                                                   "%s",
                                                   "\xd7\xa9\xd7\x9d",
                                                   "\xe2\x80\xae",
                                                   "\xe2\x80\xa8",
                                                   "\xef\xbb\xbf",
                                                   "\xc2\x85",
                                                   "\xf0\x9f\x92\xa9",
                                                   "\xef\xbf\xbf",
                                                   "\x7f",
                                                   "12",
                                                   "-0",
                                                   "",
                                                   "a",
                                                   ": ",
                                                   "- ",
                                                   "&x",
                                                   "*x",
                                                   "!x",
                                                   "|",
                                                   "@",
                                                   "`",
                                                   std::string(300, 'x')};
  static const std::vector<std::string> kBroken = {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80"};
  const auto piece =
      rc::gen::weightedOneOf<std::string>({{30, rc::gen::elementOf(kPieces)}, {1, rc::gen::elementOf(kBroken)}});
  std::string value;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(piece)) value += part;
  return value;
}

php::Value any_value(int depth) {
  switch (*rc::gen::inRange(0, depth == 0 ? 5 : 8)) {
    case 0:
      return {};
    case 1:
      return {*rc::gen::arbitrary<bool>()};
    case 2:
      return {*rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(),
                              rc::gen::element(std::numeric_limits<std::int64_t>::min(),
                                               std::numeric_limits<std::int64_t>::max(), std::int64_t{0}))};
    case 3:
      return {*rc::gen::oneOf(rc::gen::arbitrary<double>(),
                              rc::gen::element(0.1, 1e300, -2.5e-300, std::numeric_limits<double>::infinity()))};
    case 4:
      return {hostile()};
    default:
      break;
  }
  php::Array array;
  const int size = *rc::gen::inRange(0, 4);
  for (int i = 0; i < size; ++i) {
    const php::Key key =
        *rc::gen::arbitrary<bool>() ? php::to_key(hostile()) : php::Key(*rc::gen::arbitrary<std::int64_t>());
    if (std::ranges::find(array, key, &php::Element::key) == array.end()) array.push_back({key, any_value(depth - 1)});
  }
  return {std::move(array)};
}

/// What php prints for `code` with `file` as its argument.
std::string php(const std::string& code, const std::string& file) {
  const Finished done = run({"php", "-n", "-d", "serialize_precision=-1", "-r", code, "--", file});
  RC_LOG() << done.output;
  RC_ASSERT(done.status == 0);
  return done.output;
}

RC_GTEST_PROP(EscapePhp, PhpReadsEveryValueBack, ()) {
  const php::Value value = any_value(3);
  const std::string literal = emit::php(value);
  const TempDir directory;
  put(directory.path("f.php"), "<?php\n$options['k'] = " + literal + ";\n");
  // PHP 8.2 prints a float with an exponent as 1.0E+25, we as 1e+25: the numbers are compared by our parser.
  const std::string printed = php("include $argv[1]; var_export($options['k']);", directory.path("f.php"));
  const auto again = php::parse("<?php $options['k'] = " + printed + ";", "printed by php");
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->at(0).value == value);
  const auto ours = php::parse("<?php $options['k'] = " + literal + ";", "ours");
  RC_ASSERT(ours.has_value());
  RC_ASSERT(ours->at(0).value == value);
}

RC_GTEST_PROP(EscapePhp, AStringIsPrintedAsVarExportDoesIt, ()) {
  const std::string value = hostile();
  const TempDir directory;
  put(directory.path("value"), value);
  const std::string printed =
      php("var_export(array('a' => array(file_get_contents($argv[1]))));", directory.path("value"));
  RC_ASSERT(printed == emit::php(php::Value{php::Array{{"a", {php::Array{{php::Key(0L), {value}}}}}}}));
  // Byte for byte: what php has after it read our literal.
  put(directory.path("f.php"), "<?php $value = " + emit::php(value) + ";");
  RC_ASSERT(php("include $argv[1]; echo $value;", directory.path("f.php")) == value);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

RC_GTEST_PROP(EscapeYaml, AYamlReaderReadsTheValueBack, ()) {
  // Many values for a reader, since its start takes longer than all of them, and few readers.
  static int readers = 0;
  if (++readers > 10) return;
  std::string document = "prod:\n";
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string value = hostile();
    const Result<std::string> escaped = emit::yaml(value);
    RC_ASSERT(escaped.has_value() == is_utf8(value));
    if (!escaped) continue;
    document += "  - uri: " + *escaped + "\n";
    expected += std::to_string(value.size()) + ':' + value;
  }
  const TempDir directory;
  put(directory.path("f.yml"), document);
  const Finished done = run({"python3", "-c",
                             "import sys, yaml\n"
                             "for entry in yaml.safe_load(open(sys.argv[1], 'rb'))['prod']:\n"
                             "  value = entry['uri'].encode('utf-8')\n"
                             "  sys.stdout.buffer.write(b'%d:%s' % (len(value), value))",
                             directory.path("f.yml")});
  RC_LOG() << done.output;
  RC_ASSERT(done.status == 0);
  RC_ASSERT(done.output == expected);
}

}  // namespace
}  // namespace aegir::live
