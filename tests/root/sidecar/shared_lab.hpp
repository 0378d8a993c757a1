// One machine for all tests of a program: it takes seconds to make.
#pragma once

#include <gmock/gmock.h>

#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {

/// A test on the fixture, with aegird at work and the platform p1 added. The accounts that actors have are known to
/// this process and all that it starts, and to no other.
class SharedLab : public testing::Test {
 public:
  static constexpr uid_t kMember = 653001;  ///< "keeper" in passwd, whose group aegir-admin is in group
  static constexpr gid_t kAdmins = 653002;  ///< aegir-admin
  static constexpr uid_t kInGroupAegir = 653003;
  static constexpr uid_t kNobody = 65534;

  [[nodiscard]] static Lab& lab();

 protected:
  /// The last task of a site, as the API tells it, and its whole log, as people read it.
  [[nodiscard]] static nlohmann::json last_task(const std::string& uri);
  [[nodiscard]] static std::string log_of(const nlohmann::json& task);
  /// A site of that name, enabled, installed when it is not there.
  static void install(const std::string& uri);
};

}  // namespace aegir::sidecar
