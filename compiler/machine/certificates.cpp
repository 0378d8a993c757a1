#include "compiler/machine/certificates.hpp"
#include "compiler/core/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "compiler/core/host_name.hpp"
#include "compiler/machine/file.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

constexpr Wanted kClosed{.owner = 0, .group = 0, .mode = 0700};

std::string sources_of(const Config& config) { return config.config_dir + "/ssl.d"; }

/// The registry, where the names of servers come from, is not root's.
Result<void> check_server(std::string_view server) {
  if (is_plain_name(server)) return {};
  return fail(Code::kInvalid, "'" + std::string(server) + "' is no name of a server");
}

std::string copies_of(const Config& config, std::string_view server) {
  return server_config_dir(config, server) + "/ssl.d";
}

/// Reads a file of root's by a path on which everything is root's. Nothing when there is none.
Result<std::optional<std::string>> read_roots(std::string path) {
  constexpr int kMostLinks = 8;
  for (int links = 0; links <= kMostLinks; ++links) {
    const std::size_t slash = path.rfind('/');
    const std::string name = path.substr(slash + 1);
    Result<Directory> folder = open_directory(path.substr(0, slash));
    if (!folder) return pass(folder);
    struct stat status{};
    if (::fstatat(folder->fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(status.st_mode)) {
      return read_file_in(*folder, name, 0);
    }
    if (status.st_uid != 0) return in_the_way(path, describe_found(status), "a file or a link of root's");
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(folder->fd.get(), name.c_str(), target.data(), target.size());
    if (size <= 0) return fail_errno("the link can't be read", path, errno);
    const std::string to(target.data(), static_cast<std::size_t>(size));
    path = to.front() == '/' ? to : folder->path + '/' + to;
  }
  return fail_at(path, Code::kInvalid, "too many symbolic links");
}

/// The first of these files in a folder that is there.
Result<std::optional<NamedFile>> first_of(const std::string& folder, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    std::string path = folder + '/' + name;
    Result<std::optional<std::string>> content = read_roots(path);
    if (!content) return pass(content);
    if (*content) return NamedFile{std::move(path), **std::move(content)};
  }
  return std::nullopt;
}

std::unexpected<Error> missing(const std::string& folder, const char* what) {
  return fail_at(folder, Code::kNotFound, std::string("there is no ") + what + " in it",
                 "put one there, or take the folder away");
}

/// Nothing: it waits for its certificate.
Result<std::optional<CertificateFolder>> read_folder(const std::string& path) {
  Result<std::optional<NamedFile>> certificate = first_of(path, {"openssl.crt", "fullchain.pem"});
  if (!certificate) return pass(certificate);
  if (!*certificate) {
    const Result<std::optional<NamedFile>> request = first_of(path, {"openssl.csr"});
    if (request && *request) return std::nullopt;
    return missing(path, "openssl.crt (or fullchain.pem)");
  }
  Result<std::optional<NamedFile>> chain = first_of(path, {"openssl_chain.crt"});
  if (!chain) return pass(chain);
  Result<std::optional<NamedFile>> key = first_of(path, {"openssl.key", "privkey.pem"});
  if (!key) return pass(key);
  if (!*key) return missing(path, "openssl.key (or privkey.pem)");
  return CertificateFolder{path.substr(path.rfind('/') + 1), **std::move(certificate), *std::move(chain),
                           **std::move(key)};
}

/// Whether it is a folder, itself or by a link.
bool is_folder(const Directory& parent, const std::string& name) {
  struct stat status{};
  return ::fstatat(parent.fd.get(), name.c_str(), &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/// Only takes away: 0400 stays so.
Result<void> protect_file(const Directory& folder, const std::string& name, Done& done) {
  struct stat status{};
  if (::fstatat(folder.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
    return {};
  }
  const mode_t mode = status.st_mode & 0600;
  return ensure_file(folder, name, 0, 0, mode == 0 ? 0600 : mode, done);
}

}  // namespace

Result<CertificateFolders> read_certificates(const Config& config) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  CertificateFolders found;
  Result<Directory> top = open_directory(sources_of(config));
  if (!top && top.error().code == Code::kNotFound) return found;
  if (!top) return pass(top);
  Result<std::vector<std::string>> names = names_in(*top);
  if (!names) return pass(names);
  for (const std::string& name : *names) {
    if (name.starts_with('.')) continue;
    if (!is_folder(*top, name)) {
      found.loose.push_back(sources_of(config) + '/' + name);
      continue;
    }
    if (!is_canonical_host(name)) {
      found.unreadable.push_back({name,
                                  {Code::kInvalid,
                                   "is no name for a certificate's folder",
                                   {sources_of(config) + '/' + name, 0, 0},
                                   "name it like a host name, in small letters"}});
      continue;
    }
    Result<std::optional<CertificateFolder>> folder = read_folder(sources_of(config) + '/' + name);
    if (!folder) {
      found.unreadable.push_back({name, std::move(folder.error())});
    } else if (*folder) {
      found.folders.push_back(**std::move(folder));
    }
  }
  return found;
}

Result<std::vector<Error>> protect_certificates(const Config& config, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  std::vector<Error> errors;
  Result<Directory> top = open_directory(sources_of(config));
  if (!top && top.error().code == Code::kNotFound) return errors;
  if (!top) return pass(top);
  Result<std::vector<std::string>> names = names_in(*top);
  if (!names) return pass(names);
  for (const std::string& name : *names) {
    struct stat status{};
    const bool is_there = ::fstatat(top->fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there || !S_ISDIR(status.st_mode)) continue;
    Result<Directory> folder = ensure_directory(*top, name, kClosed, done);
    if (!folder) {
      errors.push_back(std::move(folder.error()));
      continue;
    }
    Result<std::vector<std::string>> files = names_in(*folder);
    if (!files) return pass(files);
    for (const std::string& file : *files) {
      if (Result<void> ok = protect_file(*folder, file, done); !ok) errors.push_back(std::move(ok.error()));
    }
  }
  return errors;
}

std::string certificate_copy(const Config& config, std::string_view server, std::string_view name,
                             std::string_view file) {
  return copies_of(config, server) + '/' + std::string(name) + '/' + std::string(file);
}

Result<void> install_certificate(const Config& config, std::string_view server, const std::string& name,
                                 const std::string& file, std::string_view pem, Done& done) {
  if (Result<void> ok = check_server(server); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> parent = open_directory(server_config_dir(config, server));
  if (!parent) return pass(parent);
  Result<Directory> top = ensure_directory(*parent, "ssl.d", kClosed, done);
  if (!top) return pass(top);
  Result<Directory> folder = ensure_directory(*top, name, kClosed, done);
  if (!folder) return pass(folder);
  return install_file(*folder, file, pem, {.owner = 0, .group = 0, .mode = 0400, .durable = true}, done);
}

Result<std::vector<std::string>> certificate_copies(const Config& config, std::string_view server) {
  if (Result<void> ok = check_server(server); !ok) return pass(ok);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  std::vector<std::string> paths;
  Result<Directory> top = open_directory(copies_of(config, server));
  if (!top && top.error().code == Code::kNotFound) return paths;
  if (!top) return pass(top);
  Result<std::vector<std::string>> names = names_in(*top);
  if (!names) return pass(names);
  for (const std::string& name : *names) {
    Result<Directory> folder = open_directory(top->path + '/' + name);
    if (!folder) return pass(folder);
    Result<std::vector<std::string>> files = names_in(*folder);
    if (!files) return pass(files);
    for (const std::string& file : *files) paths.push_back(certificate_copy(config, server, name, file));
  }
  return paths;
}

Result<void> forget_certificates(const Config& config, std::string_view server, const std::set<std::string>& kept,
                                 Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<std::vector<std::string>> copies = certificate_copies(config, server);
  if (!copies) return pass(copies);
  for (const std::string& path : *copies) {
    if (kept.contains(path)) continue;
    const std::string folder = path.substr(0, path.rfind('/'));
    Result<Directory> directory = open_directory(folder);
    if (!directory) return pass(directory);
    if (Result<void> ok = remove_file(*directory, path.substr(folder.size() + 1), done); !ok) return ok;
    if (::rmdir(folder.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
      return fail_errno("can't be removed", folder, errno);
    }
  }
  return {};
}

}  // namespace aegir::machine
