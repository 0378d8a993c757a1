// Certificates and keys, which are root's: what people put into config/ssl.d, and the copies that web servers are
// given, so that a server is never started with what nobody has looked at. Whether they are any good is the caller's
// question.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/tree.hpp"

namespace aegir::machine {

struct NamedFile {
  std::string path;
  std::string content;
};

/// A folder of config/ssl.d: openssl.crt, openssl.key and maybe openssl_chain.crt, as in Aegir, or fullchain.pem and
/// privkey.pem, as certbot names them.
struct CertificateFolder {
  std::string name;
  NamedFile certificate;
  std::optional<NamedFile> chain;
  NamedFile key;
};

/// One that can't be read, and the next step.
struct UnreadableFolder {
  std::string name;
  Error error;
};

struct CertificateFolders {
  std::vector<CertificateFolder> folders;  ///< by name
  std::vector<UnreadableFolder> unreadable;
  std::vector<std::string> loose;  ///< paths of what lies beside the folders, where nobody reads it
};

/// Reads config/ssl.d. Folder and files may be links, if these are root's and lead through directories of root's alone
/// to files of root's. A folder that only waits for its certificate (openssl.csr) is nobody's fault.
[[nodiscard]] Result<CertificateFolders> read_certificates(const Config& config);

/// Closes the folders in config/ssl.d and the files in them to everybody but root. Where links lead is their owner's
/// business. Returns what can't be put right.
[[nodiscard]] Result<std::vector<Error>> protect_certificates(const Config& config, Done& done);

/// Where a server's copy lies.
[[nodiscard]] std::string certificate_copy(const Config& config, std::string_view server, std::string_view name,
                                           std::string_view file);

/// Puts a copy into its place: 0400 of root. One that has this content stays as it is.
[[nodiscard]] Result<void> install_certificate(const Config& config, std::string_view server, const std::string& name,
                                               const std::string& file, std::string_view pem, Done& done);

/// The paths of a server's copies.
[[nodiscard]] Result<std::vector<std::string>> certificate_copies(const Config& config, std::string_view server);

/// Takes away the copies whose paths are not among `kept`.
[[nodiscard]] Result<void> forget_certificates(const Config& config, std::string_view server,
                                               const std::set<std::string>& kept, Done& done);

}  // namespace aegir::machine
