// Who may work beside whom.
#include "sidecar/tasks/locks.hpp"

#include <gtest/gtest.h>

namespace aegir::tasks {
namespace {

TEST(LocksTest, SharedStandBesideSharedAndNothingBesideAlone) {
  const Locks clone{{"site a", Hold::kShared}, {"site b", Hold::kAlone}};
  const Locks backup{{"site a", Hold::kShared}};
  const Locks erase{{"site a", Hold::kAlone}};
  LockTable table;
  table.add(clone);
  EXPECT_TRUE(table.are_free(backup));
  EXPECT_FALSE(table.are_free(erase));
  EXPECT_FALSE(table.are_free({{"site b", Hold::kShared}}));
  EXPECT_TRUE(table.are_free({{"site c", Hold::kAlone}}));
  table.add(backup);
  table.remove(clone);
  EXPECT_FALSE(table.are_free(erase));
  EXPECT_TRUE(table.are_free({{"site b", Hold::kAlone}}));
  table.remove(backup);
  EXPECT_TRUE(table.are_free(erase));
}

TEST(LocksTest, ASetIsFreeOnlyAsAWhole) {
  LockTable table;
  table.add({{"platform d10", Hold::kShared}});
  EXPECT_FALSE(table.are_free({{"site a", Hold::kAlone}, {"platform d10", Hold::kAlone}}));
  EXPECT_TRUE(table.are_free({{"site a", Hold::kAlone}, {"platform d10", Hold::kShared}}));
  EXPECT_TRUE(table.are_free({}));
}

TEST(LocksTest, WhatIsWaitedForMayStandThereTwice) {
  const Locks alone{{"site a", Hold::kAlone}};
  LockTable wanted;
  wanted.add(alone);
  wanted.add(alone);
  wanted.remove(alone);
  EXPECT_FALSE(wanted.are_free(alone));
}

}  // namespace
}  // namespace aegir::tasks
