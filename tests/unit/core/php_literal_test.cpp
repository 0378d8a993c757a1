#include "compiler/core/php_literal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace aegir::php {
namespace {

using namespace std::string_literals;

Value text(std::string value) { return {std::move(value)}; }
Value integer(std::int64_t value) { return {value}; }

/// The value in `<?php $options['k'] = VALUE;`, or what is wrong with it.
std::expected<Value, std::string> value_of(const std::string& literal) {
  const Result<std::vector<Statement>> read = parse("<?php $options['k'] = " + literal + ";", "f.php");
  if (!read) return std::unexpected(describe(read.error()));
  return read->at(0).value.value();
}

std::string error_of(const std::string& file) {
  const Result<std::vector<Statement>> read = parse(file, "f.php");
  return read ? "read" : describe(read.error());
}

TEST(PhpLiteral, Scalars) {
  EXPECT_EQ(value_of("'a\\'b\\\\c\\n$d{$e}'"), text("a'b\\c\\n$d{$e}"));
  EXPECT_EQ(value_of("'a' . \"\\0\" . 'b'"), text("a\0b"s));
  EXPECT_EQ(value_of("\"a\\\"\\\\\\$\\n\\t\\r\""), text("a\"\\$\n\t\r"));
  EXPECT_EQ(value_of("''"), text(""));
  EXPECT_EQ(value_of("'two\nlines'"), text("two\nlines"));
  EXPECT_EQ(value_of("'?>'"), text("?>"));
  EXPECT_EQ(value_of("TRUE"), Value{true});
  EXPECT_EQ(value_of("False"), Value{false});
  EXPECT_EQ(value_of("NULL"), Value{});
  EXPECT_EQ(value_of("0"), integer(0));
  EXPECT_EQ(value_of("-17"), integer(-17));
  EXPECT_EQ(value_of("9223372036854775807"), integer(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(value_of("-9223372036854775807-1"), integer(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(value_of("9223372036854775808"), Value{9223372036854775808.0});
  EXPECT_EQ(value_of("1.5"), Value{1.5});
  EXPECT_EQ(value_of("1.0E+25"), Value{1e25});
  EXPECT_EQ(value_of("1e400"), Value{std::numeric_limits<double>::infinity()});
  EXPECT_EQ(value_of("-INF"), Value{-std::numeric_limits<double>::infinity()});
  EXPECT_EQ(value_of("NAN"), Value{std::nan("")});
  EXPECT_FALSE(integer(1) == Value{true});
}

TEST(PhpLiteral, Arrays) {
  const Value list{Array{{Key(0L), text("a")}, {Key(1L), text("b")}}};
  EXPECT_EQ(value_of("array (\n  0 => 'a',\n  1 => 'b',\n)"), list);
  EXPECT_EQ(value_of("['a', 'b']"), list);
  EXPECT_EQ(value_of("ARRAY('a','b',)"), list);
  EXPECT_EQ(value_of("array()"), Value{Array{}});
  EXPECT_EQ(value_of("array('x' => array('y' => NULL))"), (Value{Array{{"x", {Array{{"y", {}}}}}}}));
  // PHP's rules of keys: "12" is 12, "012" is not, a list goes on above the largest, a key that comes again stays where
  // it was.
  EXPECT_EQ(value_of("array('12' => 1, 2, '012' => 3, 12 => 4)"),
            (Value{Array{{Key(12L), integer(4)}, {Key(13L), integer(2)}, {"012", integer(3)}}}));
  EXPECT_EQ(value_of("(object) array('a' => 1)"), (Value{Array{{"a", integer(1)}}}));
  EXPECT_EQ(value_of("stdClass::__set_state(array('a' => 1))"), (Value{Array{{"a", integer(1)}}}));
  EXPECT_EQ(value_of("\\stdClass::__set_state(array())"), Value{Array{}});
}

TEST(PhpLiteral, AFileOfAegir3) {
  const Result<std::vector<Statement>> read = parse(
      "<?php \n\n$options['db_type'] = 'mysql';\n$options['packages'] = array (\n);\n\n"
      "# Aegir additions\n$_SERVER['db_type'] = $options['db_type'];\n"
      "# Local non-aegir-generated additions.\n@include_once('/var/aegir/x/local.drushrc.php');\n",
      "drushrc.php");
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->size(), 6U);
  const auto& statements = *read;
  EXPECT_EQ(statements[0].variable, "options");
  EXPECT_EQ(statements[0].path, std::vector<Key>{"db_type"});
  EXPECT_EQ(statements[0].value, text("mysql"));
  EXPECT_EQ(statements[0].line, 3U);
  EXPECT_EQ(statements[1].text, "$options['packages'] = array (\n);");
  EXPECT_EQ(statements[2].kind, Statement::Kind::kComment);
  EXPECT_EQ(statements[2].text, "# Aegir additions");
  EXPECT_EQ(statements[3].variable, "_SERVER");
  EXPECT_FALSE(statements[3].value.has_value());
  EXPECT_EQ(statements[5].kind, Statement::Kind::kInclude);
  EXPECT_EQ(statements[5].file, "/var/aegir/x/local.drushrc.php");
}

TEST(PhpLiteral, WhatPeopleWrite) {
  const Result<std::vector<Statement>> read = parse(
      "<?php\r\n/* why\r\n ?> in here is a comment */\r\n$options['a']['b'][3] = 1; // because\r\n"
      "@include_once(dirname(__FILE__) . '/local.drushrc.php');\r\ninclude __DIR__ . \"/x.inc\";\r\n?>\r\n",
      "f.php");
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->size(), 4U);
  EXPECT_EQ(read->at(1).path, (std::vector<Key>{"a", "b", 3L}));
  EXPECT_EQ(read->at(1).text, "$options['a']['b'][3] = 1; // because");
  EXPECT_EQ(read->at(2).file, "/local.drushrc.php");
  EXPECT_EQ(read->at(3).file, "/x.inc");
  EXPECT_EQ(parse("", "f.php").value().size(), 0U);
  EXPECT_EQ(parse("<?php", "f.php").value().size(), 0U);
}

TEST(PhpLiteral, WhatIsOutsideOfTheGrammarIsNamedWithItsPlace) {
  EXPECT_EQ(error_of("\n<?php"), "f.php:1:1: expected '<?php', found '\\x0a'");
  EXPECT_EQ(error_of("<?phpx"), "f.php:1:1: expected '<?php', found '<'");
  EXPECT_EQ(error_of("<?php\nsystem('id');"),
            "f.php:2:1: expected '$options[…] = …;', a comment or an include, found 'system'");
  EXPECT_EQ(error_of("<?php\n$options['k'] = getenv('x');"),
            "f.php:2:17: expected a value (a string, a number, TRUE, FALSE, NULL or an array), found 'getenv'");
  EXPECT_EQ(error_of("<?php\n$options['k'] = 'x'\n$options['l'] = 1;"), "f.php:3:1: expected ';', found '$'");
  EXPECT_EQ(error_of("<?php $o = 'x"),
            "f.php:1:14: expected \"'\" at the end of the string, found the end of the file");
  EXPECT_EQ(error_of("<?php $o = \"${x}\";"), "f.php:1:13: expected a string without variables, found '$'");
  EXPECT_EQ(error_of("<?php $o = \"\\x41\";"),
            "f.php:1:14: expected one of \\\\ \\\" \\$ \\n \\r \\t \\0 as the only escapes, found 'x41'");
  EXPECT_EQ(error_of("<?php $o = `id`;"),
            "f.php:1:12: expected a value (a string, a number, TRUE, FALSE, NULL or an array), found '`'");
  EXPECT_EQ(error_of("<?php // x ?>\n<b>"),
            "f.php:1:12: expected a comment without '?>', which ends the PHP, found '?'");
  EXPECT_EQ(error_of("<?php ?> $o = 1;"), "f.php:1:10: expected nothing after '?>', found '$'");
  EXPECT_EQ(error_of("<?php #[A]\n"),
            "f.php:1:7: expected a comment or '$'; PHP 8 takes '#[' for an attribute, found '#'");
  EXPECT_EQ(error_of("<?php /* x"), "f.php:1:11: expected '*/', found the end of the file");
  for (const char* bad : {"$o = 1 + 1;",
                          "$o = 0x1F;",
                          "$o = 010;",
                          "$o = 1_000;",
                          "$o = array(1 2);",
                          "$o = array('a' =>);",
                          "$o = array(1.5 => 1);",
                          "$o[] = 1;",
                          "$o->x = 1;",
                          "$$o = 1;",
                          "$o = 'a' . $b;",
                          "$o .= 'a';",
                          "$o = (int) 1;",
                          "$o = <<<X\nX;",
                          "include $x;",
                          "@system('id');",
                          "if (1) { }",
                          "$o = stdClass::x();",
                          "$o = array(",
                          "$o = [1);",
                          "$o = - 1;",
                          "$o = new X;",
                          "namespace x;",
                          "$o = 1",
                          "$o[1.5] = 1;",
                          "$o = \"\\012\";",
                          "$o = fn() => 1;"}) {
    EXPECT_NE(error_of("<?php "s + bad), "read") << bad;
  }
}

TEST(PhpLiteral, SizeAndDepthAreBounded) {
  const auto nested = [](std::size_t depth) {
    std::string value;
    for (std::size_t i = 0; i < depth; ++i) value += "array(";
    return "<?php $o = " + value + std::string(depth, ')') + ";";
  };
  EXPECT_EQ(error_of(nested(kDeepest)), "read");
  EXPECT_NE(error_of(nested(kDeepest + 1)), "read");
  EXPECT_NE(error_of(nested(1'000'000)), "read");
  EXPECT_EQ(error_of(std::string(kLargestFile + 1, ' ')), "f.php: is larger than 8 MiB");
  // Many keys are no squared work.
  std::string many = "<?php $o = array(";
  for (int i = 0; i < 60'000; ++i) many += "'k" + std::to_string(i) + "'=>1,";
  EXPECT_EQ(error_of(many + ");"), "read");
}

TEST(PhpLiteral, LinesAreCountedOnTheWay) {
  constexpr std::size_t kLines = 100'000;
  std::string text = "<?php\n";
  for (std::size_t i = 0; i < kLines; ++i) text += "$o=1;\n";
  const Result<std::vector<Statement>> read = parse(text, "f.php");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->back().line, kLines + 1);
}

}  // namespace
}  // namespace aegir::php
