#include "tests/root/machine/tree_table.hpp"

#include <fcntl.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::machine {
namespace {

constexpr uid_t kAegir = 610001;
constexpr uid_t kPerson = 610050;
constexpr uid_t kStranger = 610060;  ///< not in group aegir
constexpr uid_t kSite = 611000;
constexpr uid_t kOther = 611001;

void must(bool done, const std::string& path) {
  if (!done) throw std::runtime_error(path + ": could not be damaged: " + std::to_string(errno));
}

void own(const std::string& path, uid_t uid, gid_t gid) { must(::lchown(path.c_str(), uid, gid) == 0, path); }
void mode(const std::string& path, mode_t bits) { must(::chmod(path.c_str(), bits) == 0, path); }

void file(const std::string& path, uid_t uid, gid_t gid, mode_t bits) {
  live::put(path, "<?php // code");
  own(path, uid, gid);
  mode(path, bits);
}

void folder(const std::string& path, uid_t uid, gid_t gid, mode_t bits) {
  must(::mkdir(path.c_str(), 0700) == 0, path);
  own(path, uid, gid);
  mode(path, bits);
}

/// As setfacl does it.
void acl(const std::string& path, const char* text, acl_type_t type = ACL_TYPE_ACCESS) {
  const acl_t list = ::acl_from_text(text);
  must(list != nullptr && ::acl_set_file(path.c_str(), type, list) == 0, path);
  ::acl_free(list);
}

std::vector<TreeRow> rows_of_code() {
  return {
      {"a module that a person left closed",
       [](const TreePlace& at) { file(at.site + "/modules/m.php", kPerson, kPerson, 0600); },
       "sites/a.example/modules/m.php", "0664 610001:610001"},
      {"a folder that a person left closed, with what is in it",
       [](const TreePlace& at) {
         folder(at.site + "/themes/t", kPerson, kPerson, 0700);
         folder(at.site + "/themes/t/css", kPerson, kPerson, 0700);
         file(at.site + "/themes/t/css/style.css", kPerson, kPerson, 0600);
       },
       "sites/a.example/themes/t/css/style.css", "0664 610001:610001"},
      {"a folder that nobody may enter",
       [](const TreePlace& at) {
         folder(at.site + "/libraries/none", kPerson, kAegir, 0);
         file(at.site + "/libraries/none/x.js", kPerson, kAegir, 0);
       },
       "sites/a.example/libraries/none/x.js", "0664 610001:610001"},
      {"a script keeps that it can be run",
       [](const TreePlace& at) { file(at.site + "/modules/run.sh", kPerson, kAegir, 0700); },
       "sites/a.example/modules/run.sh", "0775 610001:610001"},
      {"code of root's that everybody reads", [](const TreePlace& at) { file(at.site + "/modules/r.php", 0, 0, 0644); },
       "sites/a.example/modules/r.php", "0664 610001:610001"},
      {"a closed file of root's, which whoever moved it there could not read",
       [](const TreePlace& at) { file(at.site + "/modules/dump.sql", 0, 0, 0640); }, "sites/a.example/modules/dump.sql",
       "", "", "found a file of uid 0 that the others can't read"},
      {"a closed file of somebody who is not in group aegir",
       [](const TreePlace& at) { file(at.site + "/modules/dot.my.cnf", kStranger, kAegir, 0660); },
       "sites/a.example/modules/dot.my.cnf", "", "", "found a file of uid 610060 that the others can't read"},
      {"a closed folder of root's that came along in a person's",
       [](const TreePlace& at) {
         folder(at.site + "/modules/mine", kPerson, kPerson, 0755);
         folder(at.site + "/modules/mine/backup", 0, 0, 0700);
         file(at.site + "/modules/mine/backup/dump.sql", 0, 0, 0644);
       },
       "sites/a.example/modules/mine/backup", "", "", "found a directory of uid 0 that the others can't read"},
      {"a folder of root's that can be passed and not listed",
       [](const TreePlace& at) {
         folder(at.site + "/modules/hers", kPerson, kPerson, 0755);
         folder(at.site + "/modules/hers/backup", 0, 0, 0711);
         file(at.site + "/modules/hers/backup/dump.sql", 0, 0, 0644);
       },
       "sites/a.example/modules/hers/backup", "", "", "that the others can't read"},
      {"a folder without setgid", [](const TreePlace& at) { folder(at.site + "/modules/d", kAegir, kAegir, 0755); },
       "sites/a.example/modules/d", "2775 610001:610001"},
      {"a folder whose sticky bit keeps people from deleting what is aegir's now",
       [](const TreePlace& at) { folder(at.site + "/modules/s", kPerson, kAegir, 03775); }, "sites/a.example/modules/s",
       "2775 610001:610001"},
      {"code that everybody, so the site's PHP, may write",
       [](const TreePlace& at) { file(at.site + "/modules/w.php", kPerson, kAegir, 0666); },
       "sites/a.example/modules/w.php", "0664 610001:610001"},
      {"the top folder for everybody to write", [](const TreePlace& at) { mode(at.site + "/modules", 0777); },
       "sites/a.example/modules", "2775 610001:610001"},
      {"a program that would run as aegir",
       [](const TreePlace& at) { file(at.site + "/modules/suid", kPerson, kAegir, 06755); },
       "sites/a.example/modules/suid", "0775 610001:610001"},
      {"a name with a line break",
       [](const TreePlace& at) { file(at.site + "/modules/a\nb.php", kPerson, kPerson, 0600); },
       "sites/a.example/modules/a\nb.php", "0664 610001:610001"},
      {"a mask that hides what the mode shows",
       [](const TreePlace& at) {
         file(at.site + "/modules/mask.php", kAegir, kAegir, 0664);
         acl(at.site + "/modules/mask.php", "u::rw-,u:611000:---,g::---,m::rw-,o::r--");
       },
       "sites/a.example/modules/mask.php", "0664 610001:610001"},
      {"a person who was shut out by name, and another who was let in",
       [](const TreePlace& at) {
         file(at.site + "/modules/list.php", kAegir, kAegir, 0664);
         acl(at.site + "/modules/list.php", "u::rw-,u:610051:---,u:610052:rwx,g::r--,m::r--,o::---");
       },
       "sites/a.example/modules/list.php", "0664 610001:610001",
       "u::rw-,u:610051:r--,u:610052:rwx,g::rw-,m::rw-,o::r--"},
      {"code of another site's uid",
       [](const TreePlace& at) { file(at.site + "/modules/other.php", kOther, kOther, 0644); },
       "sites/a.example/modules/other.php", "", "", "found a file of uid 611001"},
      {"a second name of a file that may be anybody's",
       [](const TreePlace& at) {
         file(at.docroot + "/../../secret", kAegir, kAegir, 0600);
         must(::link((at.docroot + "/../../secret").c_str(), (at.site + "/modules/link.php").c_str()) == 0, at.site);
       },
       "sites/a.example/modules/link.php", "", "", "another hard link"},
      {"a fifo among code",
       [](const TreePlace& at) { must(::mkfifo((at.site + "/modules/fifo").c_str(), 0600) == 0, at.site); },
       "sites/a.example/modules/fifo", "", "", "found a special file of uid 0"},
      {"a link is left as it is",
       [](const TreePlace& at) {
         file(at.docroot + "/../target", 0, 0, 0600);
         must(::symlink("../../../../target", (at.site + "/modules/l").c_str()) == 0, at.site);
         own(at.site + "/modules/l", kPerson, kPerson);
       },
       "sites/a.example/modules/l", "0777 610050:610050"},
  };
}

std::vector<TreeRow> rows_of_data() {
  return {
      {"a folder that Drupal made 0555",
       [](const TreePlace& at) { folder(at.site + "/files/hard", kSite, kSite, 0555); }, "sites/a.example/files/hard",
       "2755 611000:611000"},
      {"a folder that the site can't enter itself",
       [](const TreePlace& at) {
         folder(at.site + "/files/shut", kSite, kSite, 0);
         file(at.site + "/files/shut/x.png", kSite, kSite, 0);
       },
       "sites/a.example/files/shut/x.png", "0444 611000:611000"},
      {"a picture that root left there", [](const TreePlace& at) { file(at.site + "/files/logo.png", 0, 0, 0600); },
       "sites/a.example/files/logo.png", "0644 611000:611000"},
      {"a folder that aegir left there, with what is in it",
       [](const TreePlace& at) {
         folder(at.site + "/files/import", kAegir, kAegir, 0700);
         file(at.site + "/files/import/x.png", kAegir, kAegir, 0600);
       },
       "sites/a.example/files/import/x.png", "0644 611000:611000"},
      {"a file of the site with a foreign group",
       [](const TreePlace& at) { file(at.site + "/files/g.png", kSite, kAegir, 0644); }, "sites/a.example/files/g.png",
       "0644 611000:611000"},
      {"a file of another site", [](const TreePlace& at) { file(at.site + "/files/b.png", kOther, kOther, 0644); },
       "sites/a.example/files/b.png", "", "", "found a file of uid 611001"},
      {"root's file with a second name elsewhere",
       [](const TreePlace& at) {
         file(at.docroot + "/../../root", 0, 0, 0600);
         must(::link((at.docroot + "/../../root").c_str(), (at.site + "/files/stolen").c_str()) == 0, at.site);
       },
       "sites/a.example/files/stolen", "", "", "another hard link"},
      {"a private file without the web server's entry",
       [](const TreePlace& at) { file(at.site + "/private/files/doc.pdf", kSite, kSite, 0600); },
       "sites/a.example/private/files/doc.pdf", "0640 611000:611000", "u::rw-,u:610002:r-x,g::rwx,m::r--,o::---"},
      {"a private folder without the web server's entry",
       [](const TreePlace& at) {
         folder(at.site + "/private/files/sub", kSite, kSite, 0700);
         must(::acl_delete_def_file((at.site + "/private/files/sub").c_str()) == 0, at.site);
       },
       "sites/a.example/private/files/sub", "2770 611000:611000", "u::rwx,u:610002:r-x,g::rwx,m::rwx,o::---"},
      {"settings that another site has got an entry for",
       [](const TreePlace& at) {
         file(at.site + "/settings.php", kAegir, kSite, 0440);
         acl(at.site + "/settings.php", "u::r--,u:611001:r--,g::r--,m::r--,o::---");
       },
       "sites/a.example/settings.php", "0440 610001:611000"},
      {"a default list on the site's folder",
       [](const TreePlace& at) { acl(at.site, "u::rwx,u:611001:rwx,g::r-x,m::rwx,o::---", ACL_TYPE_DEFAULT); },
       "sites/a.example", "2750 610001:611000", "u::rwx,u:610002:--x,g::r-x,g:610001:r-x,m::r-x,o::---"},
      {"a site's folder for everybody", [](const TreePlace& at) { mode(at.site, 0755); }, "sites/a.example",
       "2750 610001:611000", "u::rwx,u:610002:--x,g::r-x,g:610001:r-x,m::r-x,o::---"},
  };
}

std::vector<TreeRow> rows_of_platform() {
  return {
      {"a platform's file that arrived closed",
       [](const TreePlace& at) { file(at.docroot + "/core/a.php", kPerson, kPerson, 0600); }, "core/a.php",
       "0644 610001:610001"},
      {"a platform's folder that arrived closed",
       [](const TreePlace& at) { folder(at.docroot + "/core/lib", 0, 0, 0700); }, "core/lib", "0755 610001:610001"},
      {"Composer's folder beside the docroot",
       [](const TreePlace& at) { file(at.docroot + "/../vendor/bin/drush", kPerson, kPerson, 0700); },
       "../vendor/bin/drush", "0755 610001:610001"},
      {"what is built with is nobody's business",
       [](const TreePlace& at) { file(at.docroot + "/../auth.json", kPerson, kPerson, 0600); }, "../auth.json",
       "0600 610050:610050"},
      {"the docroot itself",
       [](const TreePlace& at) {
         own(at.docroot, kPerson, kPerson);
         mode(at.docroot, 0700);
       },
       "", "0755 610001:610001"},
      {"sites/ for everybody to list", [](const TreePlace& at) { mode(at.docroot + "/sites", 0775); }, "sites",
       "2771 610001:610001"},
      {"a platform's own module folder that is not shared",
       [](const TreePlace& at) { folder(at.docroot + "/modules", kPerson, kPerson, 0755); }, "modules",
       "2775 610001:610001"},
      {"a module for all sites that a person left closed",
       [](const TreePlace& at) { file(at.docroot + "/sites/all/modules/m.php", kPerson, kPerson, 0600); },
       "sites/all/modules/m.php", "0664 610001:610001"},
      {"core that the sites' PHP could change",
       [](const TreePlace& at) { folder(at.docroot + "/core/open", kAegir, kAegir, 0777); }, "core/open",
       "0775 610001:610001"},
      {"core that a site got an entry for",
       [](const TreePlace& at) {
         folder(at.docroot + "/core/given", kAegir, kAegir, 0755);
         acl(at.docroot + "/core/given", "u::rwx,u:611000:rwx,g::r-x,m::rwx,o::r-x");
       },
       "core/given", "0755 610001:610001"},
      {"another site's folder is not entered",
       [](const TreePlace& at) {
         folder(at.docroot + "/sites/z.example", kOther, kOther, 0700);
         file(at.docroot + "/sites/z.example/settings.php", kOther, kOther, 0600);
       },
       "sites/z.example/settings.php", "0600 611001:611001"},
      {"core of a site's uid", [](const TreePlace& at) { file(at.docroot + "/core/x.php", kOther, kOther, 0644); },
       "core/x.php", "", "", "found a file of uid 611001"},
  };
}

}  // namespace

const std::vector<TreeRow>& tree_rows() {
  static const std::vector<TreeRow> rows = [] {
    std::vector<TreeRow> all;
    for (const std::vector<TreeRow>& part : {rows_of_code(), rows_of_data(), rows_of_platform()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace aegir::machine
