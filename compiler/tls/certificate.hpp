// Certificates as web servers are given them: one file with the certificate, its chain and its key, made only of what
// OpenSSL itself would serve. So a server that reads it never ends on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::tls {

/// A file's content, and its path for messages.
struct Text {
  std::string path;
  std::string content;
};

/// What a person has put down.
struct Source {
  Text certificate;  ///< PEM; more certificates in it belong to the chain
  std::optional<Text> chain;
  Text key;  ///< PEM, without a passphrase
};

/// One that can be served.
struct Certificate {
  std::string pem;                 ///< certificate, chain, key, written anew: equal sources give equal texts
  std::vector<std::string> hosts;  ///< canonical names that it is for, and *.suffix; sorted, each once
  std::int64_t until = 0;          ///< Unix time of its last second
};

/// Reads and checks a source at the Unix time `now`. An error names the file of the source that is wrong, what is wrong
/// with it, and the next step: no PEM, a key that does not fit, a passphrase, a time that is over or not yet come, a
/// key or signature that OpenSSL's default security level refuses.
[[nodiscard]] Result<Certificate> read(const Source& source, std::int64_t now);

/// The same of a pem that read() has made, however old it is.
[[nodiscard]] Result<Certificate> read_pem(const Text& pem);

/// A new key and a certificate of its own signature for `host`, for as long as can be said: a pem as read() makes it.
[[nodiscard]] Result<std::string> make_self_signed(const std::string& host);

}  // namespace aegir::tls
