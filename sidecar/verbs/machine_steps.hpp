// Steps that several verbs share: bringing map and machine to what is committed, and a look whether a site answers.
#pragma once

#include "sidecar/tasks/saga.hpp"
#include "sidecar/verbs/services.hpp"
#include "sidecar/wire/server_order.hpp"

namespace aegir::verbs {

/// All that fragments depend on, as it is committed now.
[[nodiscard]] Result<emit::Model> read_model(Services& services);
/// A platform's files, with what of its codebase stands in them.
[[nodiscard]] Result<wire::PlatformFilesOrder> platform_files(Services& services, const std::string& name);

/// Writes the files of a platform, with its sites as they are committed now. What is in the way is a warning.
[[nodiscard]] Result<void> write_platform(Services& services, tasks::Work& work, const std::string& name);

/// Brings the map to what is committed.
[[nodiscard]] tasks::Step publish_step(Services& services);
/// Tells Drush of the state that the site has now. Nothing for a site without a slot, of which there are no files.
[[nodiscard]] tasks::Step drush_step(Services& services, std::string uri);
/// Starts the PHP of a site's block, when it is not at work; warns when it can't be started.
[[nodiscard]] tasks::Step php_step(Services& services, std::string uri);
/// Asks each web server for the site as a visitor would, and warns when it does not answer.
[[nodiscard]] tasks::Step answer_step(Services& services, std::string uri);
/// Brings folders, slots, fragments and web servers to what is committed. What is refused is a warning: all else is in
/// force. PHP that is not at work is started.
[[nodiscard]] tasks::Step bring_servers_step(Services& services);
/// The same with the code, files and rules of the platform that the task is about; its .htaccess is read.
[[nodiscard]] tasks::Step bring_platform_step(Services& services);

}  // namespace aegir::verbs
