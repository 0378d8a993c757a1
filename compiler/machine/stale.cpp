#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

/// Those of people, whatever is in them.
bool is_persons(std::string_view folder, std::string_view name) {
  return folder == "platform.d" ? name.ends_with(".local.conf") : name.ends_with(".conf");
}

/// The names in a directory, sorted; none when it can't be read.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(path, error); !error && entry != decltype(entry)();
       entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  std::ranges::sort(names);
  return names;
}

/// Whether it is a file that an emitter has written.
bool is_emitted(const Directory& directory, const std::string& name) {
  const Fd file(::openat(directory.fd.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != 0) return false;
  std::array<char, 2 + kEmittedMark.size()> begin{};
  const ssize_t size = ::pread(file.get(), begin.data(), begin.size(), 0);
  return size == static_cast<ssize_t>(begin.size()) && (begin[0] == '#' || begin[0] == ';') && begin[1] == ' ' &&
         std::string_view(begin.data() + 2, kEmittedMark.size()) == kEmittedMark;
}

}  // namespace

Result<std::string> read_config(const Config& config, const std::string& path) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> folder = open_config_folder(config, path);
  if (!folder) return pass(folder);
  return read_file(path);
}

Result<void> remove_config(const Config& config, const std::string& path, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> folder = open_config_folder(config, path);
  if (!folder) return pass(folder);
  if (::unlinkat(folder->fd.get(), path.substr(path.rfind('/') + 1).c_str(), 0) == 0) {
    done.push_back(path + ": removed");
  } else if (errno != ENOENT) {
    return fail_errno("can't be removed", path, errno);
  }
  return {};
}

Result<std::vector<std::string>> peoples_files(const Config& config, std::string_view server,
                                               std::string_view service) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  std::vector<std::string> files;
  for (const char* folder : {"platform.d", "post.d", "pre.d", "vhost.d"}) {
    const std::string path = server_config_dir(config, server) + '/' + std::string(service) + '/' + folder;
    for (const std::string& name : names_in(path)) {
      if (is_persons(folder, name)) files.push_back(path + '/' + name);
    }
  }
  return files;
}

Result<std::vector<std::string>> stale_config(const Config& config, const std::vector<std::string>& emitted) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  std::vector<std::string> stale;
  for (const std::string& server : names_in(config.config_dir)) {
    if (!server.starts_with("server_")) continue;
    for (const char* folder : {"/apache", "/apache/platform.d", "/apache/vhost.d", "/nginx", "/nginx/platform.d",
                               "/nginx/vhost.d", "/php"}) {
      const std::string path = config.config_dir + '/' + server + folder;
      Result<Directory> directory = open_directory(path);
      if (!directory && directory.error().code == Code::kNotFound) continue;
      if (!directory) return pass(directory);
      for (const std::string& name : names_in(path)) {
        const std::string file = path + '/' + name;
        const bool is_theirs = std::string_view(folder).ends_with("/vhost.d") && name.ends_with(".conf");
        if (is_theirs || name.ends_with(".local.conf") || std::ranges::find(emitted, file) != emitted.end()) continue;
        if (name.ends_with(".htaccess") || is_emitted(*directory, name)) stale.push_back(file);
      }
    }
  }
  return stale;
}

Result<void> remove_stale_config(const Config& config, const std::vector<std::string>& emitted, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<std::vector<std::string>> stale = stale_config(config, emitted);
  if (!stale) return pass(stale);
  for (const std::string& file : *stale) {
    const std::size_t slash = file.rfind('/');
    Result<Directory> directory = open_directory(file.substr(0, slash));
    if (!directory) return pass(directory);
    if (::unlinkat(directory->fd.get(), file.c_str() + slash + 1, 0) != 0) {
      return fail_errno("can't be removed", file, errno);
    }
    done.push_back(file + ": removed, since nothing in the registry asks for it any more");
  }
  return {};
}

}  // namespace aegir::machine
