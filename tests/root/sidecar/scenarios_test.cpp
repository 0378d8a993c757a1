// The acceptance scenarios on the fixture.
#include "tests/root/sidecar/scenarios.hpp"
#include "tests/root/sidecar/shared_lab.hpp"

namespace aegir::sidecar {
namespace {

class Scenarios : public SharedLab {};

TEST_F(Scenarios, OnTheFixture) { live_through_scenarios(lab()); }

}  // namespace
}  // namespace aegir::sidecar
