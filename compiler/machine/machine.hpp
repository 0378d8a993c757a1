// What of a web server's machine only root can do: directories and their owners, the configuration that root's programs
// read. Everything may be done again and again; what is already so is left alone, to the change time.
//
// Each function becomes root by itself (privilege.hpp) and is who it was when it returns. Nothing here reads the
// registry: what is wanted comes as plain values and is checked against the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/machine/tree.hpp"

namespace aegir::machine {

/// The directories that everything else lies in (design §4, §5, §8): state, keys, map and its durable copy, run, log
/// and slot directories, and below aegir_root, which is root's, since it holds what root's programs read, the folders
/// that are aegir's.
[[nodiscard]] Result<void> prepare_directories(const Config& config, const Accounts& accounts, Done& done);

/// Folders for the fragments of one server.
[[nodiscard]] Result<void> prepare_server(const Config& config, const Accounts& accounts, std::string_view server,
                                          Done& done);

/// The slots of one PHP block, given or free. Slot n is uid and gid first_uid + n.
struct BlockSlots {
  std::string block;
  std::uint32_t first_uid = 0;
  std::uint32_t slots = 0;
};

/// For each slot its own directories (home, tmp, sessions, log), which nobody else can enter, and for the block the
/// folder of its sockets, which only the web servers can enter. Refuses uids outside of the configured range.
[[nodiscard]] Result<void> prepare_block(const Config& config, const Accounts& accounts, const BlockSlots& block,
                                         Done& done);

/// The PHP of a block: block_php_dir() with links to the programs of this version, which need not be there. Another
/// version holds for what is started from then on.
[[nodiscard]] Result<void> link_php(const Config& config, std::string_view block, std::string_view version, Done& done);

/// One site's directory on a platform, and the slot that it runs in.
struct SitePlace {
  std::string docroot;
  std::string uri;  ///< canonical host name: the directory's name
  uid_t uid = 0;    ///< of the slot; also its group
};

/// Makes sites/<uri>, or gives what is there the owners and modes of design §7 "Who owns what": the skeleton and the
/// code are aegir's, settings are readable by the site's group, files/ and private/ are the site's, and no other site
/// can enter. What lies below private/ is done as the site's uid. What is foreign is named; nothing else is changed
/// then, unless the directory has the site's group already: then all the rest is put right, and the first error
/// returned.
[[nodiscard]] Result<void> prepare_site(const Config& config, const Accounts& accounts, const SitePlace& place,
                                        Done& done);

/// prepare_site(), and everything below: code is aegir's and readable by the site's PHP, whoever of group aegir left it
/// there with whatever mode; data is the site's. What lies in files/ and private/ is looked at and changed as the
/// site's uid alone, except that root's and aegir's files in there are given to it. Every error names the path and the
/// next step; what is not in its way is put right all the same. Costs a look at every file.
[[nodiscard]] Result<void> prepare_site_tree(const Config& config, const Accounts& accounts, const SitePlace& place,
                                             Done& done);

/// A platform's codebase: aegir's, and readable by every site's PHP and the web servers; nobody else may write, but for
/// group aegir in the folders of modules, themes and libraries. With the project around a docroot of Composer's.
/// sites/<uri> are never entered; what is built with (.git, auth.json, .env) is left as it is. Goes on after an error,
/// and returns the first. kNotFound when there is no docroot.
[[nodiscard]] Result<void> prepare_platform(const Config& config, const Accounts& accounts, const std::string& docroot,
                                            Done& done);

/// Whether sites/<uri> is the site's own already, by its owner and group: then files may be written into it, whatever
/// prepare_site() has refused of what it holds.
[[nodiscard]] bool is_own_site(const Accounts& accounts, const SitePlace& place);

/// Whether sites/<uri> is free for a new site or its own, by a look alone: kConflict names a directory that
/// prepare_site() would refuse as another's, or that has the group of another slot.
[[nodiscard]] Result<void> look_at_site(const Config& config, const Accounts& accounts, const SitePlace& place);

/// Puts a file that a program of root's reads (below config_dir) into its place: root's, `mode`, group aegir; the old
/// one or the new one, never half. Its folder must be there (prepare_server). Nothing is written when the file has that
/// content, owner and mode already.
[[nodiscard]] Result<void> install_config(const Config& config, const Accounts& accounts, const std::string& path,
                                          std::string_view content, mode_t mode, Done& done);

/// A file below config_dir, as root reads it. kNotFound when there is none.
[[nodiscard]] Result<std::string> read_config(const Config& config, const std::string& path);

/// Takes a file below config_dir away; nothing when there is none.
[[nodiscard]] Result<void> remove_config(const Config& config, const std::string& path, Done& done);

/// The files that people have put into a server's folders, sorted: *.conf in pre.d, vhost.d and post.d, and
/// platform.d/*.local.conf, of `service` ("apache" or "nginx").
[[nodiscard]] Result<std::vector<std::string>> peoples_files(const Config& config, std::string_view server,
                                                             std::string_view service);

/// How the first line of every emitted file goes on after its language's comment sign and a blank.
inline constexpr std::string_view kEmittedMark = "Written by aegirc";

/// What an earlier compile has put below config_dir and what is not among `emitted` (paths) any more: the fragments of
/// a platform, block or server that has left the registry, by path. Looks only where fragments are emitted to, and only
/// at root's own regular files with kEmittedMark in their first line, and at accepted .htaccess files: pre.d, vhost.d,
/// post.d and *.local.conf belong to people.
[[nodiscard]] Result<std::vector<std::string>> stale_config(const Config& config,
                                                            const std::vector<std::string>& emitted);

/// Takes away what stale_config() finds.
[[nodiscard]] Result<void> remove_stale_config(const Config& config, const std::vector<std::string>& emitted,
                                               Done& done);

}  // namespace aegir::machine
