#include "compiler/emit/rules.hpp"

namespace aegir::emit {
namespace {

// Shared by all CMSs: dot files but for /.well-known/, what package managers and editors leave, settings (PHP that lies
// in a site's directory itself: what Drupal reads, never an entry), and the places below files/ that Drupal and its
// modules close by an .htaccess of their own, which no server of ours reads. CVS's files are closed where code lies:
// elsewhere they are names of pages.
#define AEGIR_DOT_FILES R"(^/\.(?!well-known(?:/|$))|^/.+/\.)"
#define AEGIR_PATHS                                                                                    \
  AEGIR_DOT_FILES                                                                                      \
  R"(|/(?:composer\.(?:json|lock)|web\.config|yarn\.lock|package(?:-lock)?\.json|#[^/]*#)$)"           \
  R"(|^/(?:core/)?(?:install|rebuild)\.php(?:/|$)|^/vendor/)"                                          \
  R"(|^/(?:settings|sites/[^/]+/[^/]+)\.php(?:/|$))"                                                   \
  R"(|^/(?:(?:core|includes|layouts|libraries|misc|modules|profiles|scripts|sites|themes)/(?:.*/)?)?)" \
  R"((?:Entries[^/]*|Repository|Root|Tag|Template)$)"                                                  \
  R"(|^/sites/[^/]+/files/(?:config_[^/]*|php|private|backup_migrate)(?:/|$))"
#define AEGIR_BACKUP R"((?:~|\.sw[op]|\.bak|\.orig|\.save))"
#define AEGIR_ENDS(EXTENSIONS) \
  R"(\.(?:(?:)" EXTENSIONS R"(|[^/]*sql|tpl(?:\.php)?))" AEGIR_BACKUP R"(?|php)" AEGIR_BACKUP ")$"

constexpr Rules kDrupal7 = {
    R"(^/(?:(?:index|update|cron|xmlrpc|authorize)\.php(?:/|$)|modules/statistics/statistics\.php$))", AEGIR_PATHS,
    AEGIR_ENDS("engine|inc|info|install|make|module|profile|test|po|sh|theme|xtmpl|twig|yml"), "", 14};
constexpr Rules kDrupal8 = {
    R"(^/(?:(?:index|update|core/authorize)\.php(?:/|$)|(?:core/)?modules/(?:contrib/)?statistics/statistics\.php$))",
    AEGIR_PATHS, AEGIR_ENDS("engine|inc|install|make|module|profile|po|sh|theme|xtmpl|twig|yml"), "", 365};
constexpr Rules kBackdrop = {R"(^/(?:index|core/(?:authorize|cron|update))\.php(?:/|$))", AEGIR_PATHS,
                             AEGIR_ENDS("engine|inc|info|install|make|module|profile|test|po|sh|theme|xtmpl|twig|yml"),
                             R"(^/(update|cron)\.php$)", 14};
// Code that we know nothing about: every script of it may be an entry.
constexpr Rules kOther = {R"(\.php(?:/|$))", AEGIR_DOT_FILES R"(|/(?:composer\.(?:json|lock)|web\.config)$)",
                          R"(\.php)" AEGIR_BACKUP "$", "", 0};

}  // namespace

const Rules& rules_of(registry::Cms cms) {
  switch (cms) {
    case registry::Cms::kDrupal7:
      return kDrupal7;
    case registry::Cms::kDrupal8:
      return kDrupal8;
    case registry::Cms::kBackdrop:
      return kBackdrop;
    case registry::Cms::kOther:
      break;
  }
  return kOther;
}

}  // namespace aegir::emit
