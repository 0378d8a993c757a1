// Steps that several verbs share: bringing map and machine to what is committed, and a look whether a site answers.
#pragma once

#include "sidecar/tasks/saga.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

/// Brings the map to what is committed.
[[nodiscard]] tasks::Step publish_step(Services& services);
/// Asks each web server for the site as a visitor would, and warns when it does not answer.
[[nodiscard]] tasks::Step answer_step(Services& services, std::string uri);
/// Brings folders, slots, fragments and web servers to what is committed. What is refused is a warning: all else is in
/// force.
[[nodiscard]] tasks::Step bring_servers_step(Services& services);
/// The same with the code, files and rules of the platform that the task is about; its .htaccess is read.
[[nodiscard]] tasks::Step bring_platform_step(Services& services);

}  // namespace aegir::verbs
