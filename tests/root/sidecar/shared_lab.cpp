#include "tests/root/sidecar/shared_lab.hpp"

#include "tests/live/harness/accounts.hpp"

namespace aegir::sidecar {
namespace {

using nlohmann::json;

std::unique_ptr<Lab> the_lab;

class LabEnvironment : public testing::Environment {
 public:
  void TearDown() override { the_lab.reset(); }
};

const testing::Environment* const kEnvironment = testing::AddGlobalTestEnvironment(new LabEnvironment);

}  // namespace

Lab& SharedLab::lab() {
  if (the_lab == nullptr) {
    const std::string member = std::to_string(kMember);
    live::know_accounts("keeper:x:" + member + ':' + member + "::/nonexistent:/bin/false\n",
                        "aegir-admin:x:" + std::to_string(kAdmins) + ":keeper\n");
    the_lab = Lab::on_fixture();
  }
  return *the_lab;
}

json SharedLab::last_task(const std::string& uri) {
  const json list = json::parse(lab().must_aegir({"task", "list", "--site", uri, "--limit", "1", "--output", "json"}));
  const auto id = list.at("tasks").at(0).at("id").get<std::uint64_t>();
  return json::parse(lab().must_aegir({"task", "show", std::to_string(id), "--output", "json"}));
}

std::string SharedLab::log_of(const json& task) {
  return lab().must_aegir({"task", "log", std::to_string(task.at("id").get<std::uint64_t>())});
}

void SharedLab::install(const std::string& uri) {
  if (lab().visit(Lab::Server::kNginx, uri).status == 200) return;
  lab().must_aegir({"site", "install", uri, "--platform", "p1"});
}

}  // namespace aegir::sidecar
