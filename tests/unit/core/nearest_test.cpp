#include "compiler/core/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace aegir {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"registry", "registry_key", "map_dir", "uid_first"};

TEST(Nearest, FindsOneSlip) {
  EXPECT_EQ(nearest("regsitry", kWords), "registry");          // swapped
  EXPECT_EQ(nearest("registry-key", kWords), "registry_key");  // changed
  EXPECT_EQ(nearest("mapdir", kWords), "map_dir");             // left out
  EXPECT_EQ(nearest("uid__first", kWords), "uid_first");       // inserted
  EXPECT_EQ(nearest("registry", kWords), "registry");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("banana", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", kWords), "");
  EXPECT_EQ(nearest(std::string(100000, 'r'), kWords), "");
  EXPECT_EQ(nearest("ma", std::array<std::string_view, 1>{"xy"}), "");
}

}  // namespace
}  // namespace aegir
