// Certificates from config/ssl.d into force: which of them servers are given, and for which names. One that is wrong is
// told and left out; if an earlier one of its folder is in force, that stays. So does https itself: what has once
// listened goes on, with the certificate for all other names at least, as visitors may have been led there for good.
#pragma once

#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/tree.hpp"

namespace aegir::publish {

struct FoundCertificates {
  std::vector<emit::Certificate> certificates;  ///< as in emit::Surroundings
  std::vector<Error> errors;                    ///< what is wrong with others
  std::vector<std::string> notes;               ///< what a person should know
};

/// Looks at config/ssl.d. One in a site's folder that is for none of the site's names is wrong. Where there is a usable
/// certificate, where a copy of one is in force and where a site is served by https alone, there is also one for all
/// other names: that in the folder `default`, or one of our own making. Needs root in reserve.
[[nodiscard]] Result<FoundCertificates> find_certificates(const Config& config, const emit::Model& model);

/// Whether a certificate for `host` (or *.suffix, one label more) is for one of the names of a site.
[[nodiscard]] bool is_for(const std::string& host, const std::vector<std::string>& names);

/// Gives each name to one certificate: to that of its own folder, else to that of the site that has the name, else to
/// that of the nearest folder above it, else to the one whose folder comes first. Notes the names that two were for.
void share_names(std::vector<emit::Certificate>& certificates, const std::vector<emit::CertifiedSite>& sites,
                 std::vector<std::string>& notes);

/// Puts the servers' copies into their places. What is there stays.
[[nodiscard]] Result<void> install_certificates(const Config& config, const std::vector<registry::Server>& servers,
                                                const std::vector<emit::Certificate>& certificates,
                                                machine::Done& done);

/// Takes away the copies that neither `certificates` nor a configuration on disk has, nor one to which a server might
/// go back.
[[nodiscard]] Result<void> forget_certificates(const Config& config, const std::vector<registry::Server>& servers,
                                               const std::vector<emit::Certificate>& certificates, machine::Done& done);

}  // namespace aegir::publish
