#include "sidecar/drush/info.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aegir::drush {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(DrushInfo, ReadsYaml) {
  const Result<Info> info = parse_info_yml(
      "# a comment\nname: 'It''s a \"profile\"'\ntype: profile\ndescription: >\n  Two\n  lines\nversion: VERSION\n"
      "hidden: true\ninstall:\n  - node\n  - name: x\nregions: {a: b, name: c}\nempty:\nquoted: \"a\\u00e9\\n\"\n",
      "x.info.yml");
  ASSERT_TRUE(info) << describe(info.error());
  EXPECT_THAT(*info, ElementsAre(Pair("description", "Two lines\n"), Pair("empty", ""), Pair("hidden", "true"),
                                 Pair("name", "It's a \"profile\""), Pair("quoted", "aé\n"), Pair("type", "profile"),
                                 Pair("version", "VERSION")));
  EXPECT_TRUE(says_yes(*info, "hidden"));
  EXPECT_FALSE(says_yes(*info, "name"));
  EXPECT_FALSE(says_yes(*info, "none"));
}

TEST(DrushInfo, EmptyYamlSaysNothing) { EXPECT_EQ(parse_info_yml("", "x")->size(), 0U); }

TEST(DrushInfo, RefusesWhatIsNoYaml) {
  const struct {
    std::string text;
    const char* words;
  } cases[] = {{"name: 'open\n", "x.info.yml:2:1: this is no YAML"},
               {"- a\n- b\n", "x.info.yml:1:1: a mapping"},
               {"just words\n", "x.info.yml:1:1: a mapping"},
               {"name: a\nname: b\n", "x.info.yml:2:1: the key 'name' stands here twice"},
               {"[a]: b\n", "a key must be a plain text"},
               {"a: b\n\tc: d\n", "this is no YAML"},
               {"a: \x01\n", "this is no YAML"},
               {"a: \xff\n", "this is no YAML"},
               {std::string(5000, '[') + "\n", "x.info.yml:1:1"}};
  for (const auto& [text, words] : cases) {
    const Result<Info> info = parse_info_yml(text, "x.info.yml");
    ASSERT_FALSE(info) << text.substr(0, 100);
    EXPECT_THAT(describe(info.error()), HasSubstr(words));
  }
}

TEST(DrushInfo, ReadsTheLinesOfDrupal7) {
  const Info info = parse_info(
      "; $Id$\nname = Standard\ndescription = \"Two\nlines = here\"\nversion=VERSION\nhidden = TRUE\n"
      "dependencies[] = node\nsettings[a] = b\nno line of ours\n = x\nquote = 'it is'\r\nopen = \"unclosed\nlast = 1");
  EXPECT_THAT(info, ElementsAre(Pair("description", "Two\nlines = here"), Pair("hidden", "TRUE"), Pair("last", "1"),
                                Pair("name", "Standard"), Pair("open", "\"unclosed"), Pair("quote", "it is"),
                                Pair("version", "VERSION")));
  EXPECT_TRUE(says_yes(info, "hidden"));
  EXPECT_TRUE(says_yes(info, "last"));
}

}  // namespace
}  // namespace aegir::drush
