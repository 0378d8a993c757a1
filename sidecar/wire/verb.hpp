// What aegird-worker may ask of aegird: this list and nothing else. A request is its number, the verb's, and the
// verb's order; the answer the request's number and the Result of what stands at the verb. The types are in
// order.hpp, site_order.hpp, server_order.hpp, reconcile_order.hpp and mail_order.hpp. Done: the lines of what was done
// (machine::Done).
#pragma once

#include <cstdint>

namespace aegir::wire {

enum class Verb : std::uint8_t {
  // Runs and slots.
  kRun,        ///< RunOrder and descriptors 0, 1, 2 -> RunEnd
  kEndRun,     ///< the number of the request of a run -> nothing, when it was told; the run's own answer tells the rest
  kMakeSlots,  ///< machine::BlockSlots -> Done
  kEndSlot,    ///< Slot -> nothing
  kRetireSlot,  ///< Slot -> Done
  kCountSlot,   ///< Slot -> how many processes it has
  // A site.
  kLookAtSite,       ///< SiteOrder -> nothing, when the place is free for the site or its own
  kPrepareSite,      ///< SiteOrder -> Done: its directory, without a look at what lies deeper
  kPrepareSiteTree,  ///< SiteOrder -> PreparedTree: with everything in it
  kWriteSite,        ///< SiteFilesOrder -> WrittenSite: the files that Drupal and Drush read
  kFinishSite,       ///< SiteFilesOrder, after the publish -> Done: settings.php, which had to wait for it
  kLintSite,         ///< SiteFilesOrder -> errors in what people have written for the site
  kForgetSite,       ///< uri -> Done: what was written for it outside of its directory is taken away
  kWrittenSites,     ///< Nothing -> the uris for which something was written
  kRemoveSite,       ///< SiteOrder -> Done: its directory with everything in it is gone
  // Servers and platforms.
  kPeoplesSites,    ///< names of servers -> PeoplesSites, for the model
  kVerifyServers,   ///< ServersOrder -> Verified
  kVerifyPlatform,  ///< PlatformOrder -> Verified
  kWritePlatform,   ///< PlatformFilesOrder -> Verified: the platform's files alone, such as the list of its sites
  kStartPhp,        ///< PhpOrder -> nothing, when the block's master answers
  kStopPhp,         ///< PhpOrder -> nothing, when it is gone
  kReloadPhp,       ///< PhpOrder -> nothing
  kMapKey,          ///< Nothing -> the text of the map's key file
  kCertificates,    ///< Nothing -> CertificateFacts, by folder
  // A look at everything; nothing is changed.
  kCompare,  ///< CompareOrder -> Comparison
  kSurvey,   ///< SurveyOrder -> Survey
  // People.
  kSendMail,  ///< MailOrder -> nothing, when the mail program has taken it
};
inline constexpr std::uint64_t kVerbs = static_cast<std::uint64_t>(Verb::kSendMail) + 1;

}  // namespace aegir::wire
