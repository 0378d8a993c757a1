// The report of a hunt (tests/fixtures/hunt/hunt.php), for people and for a test.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace aegir::hunt {

/// Prints what each means tried and found, and fails for one that did not work.
inline void tell(const std::string& who, const nlohmann::ordered_json& report) {
  std::printf("%s\n%9s %9s %6s  means\n", who.c_str(), "tried", "let in", "found");
  for (const auto& [means, result] : report.items()) {
    std::printf("%9d %9d %6zu  %s\n", result["tried"].get<int>(), result["open"].get<int>(), result["found"].size(),
                means.c_str());
    EXPECT_GT(result["tried"], 0) << means;
    EXPECT_FALSE(result.contains("error")) << means << ": " << result.value("error", "");
  }
}

}  // namespace aegir::hunt
