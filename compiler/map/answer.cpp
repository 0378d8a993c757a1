#include "compiler/map/answer.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace aegir::map {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMaintenancePage =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Site under maintenance</title></head>\n"
    "<body><h1>Site under maintenance</h1>\n"
    "<p>This site is under maintenance. Please try again in a few minutes.</p></body></html>\n";
constexpr std::string_view kDisabledPage =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Site disabled</title></head>\n"
    "<body><h1>Site disabled</h1>\n"
    "<p>This site has been disabled by the site administrators.</p></body></html>\n";

constexpr std::array<std::string_view, kOutcomes> kOutcomeNames = {
    "serve", "probe", "acme", "redirect", "maintenance", "disabled", "refused", "unknown", "fault", "no_map"};

/// Writes into a buffer that is large enough for what is written; cuts off what is not.
class Writer {
 public:
  explicit Writer(std::span<char> out) noexcept : out_(out) {}

  Writer& operator<<(std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), out_.size() - used_);
    std::memcpy(out_.data() + used_, text.data(), size);
    used_ += size;
    return *this;
  }
  Writer& operator<<(std::uint64_t number) noexcept {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }
  [[nodiscard]] std::string_view text() const noexcept { return {out_.data(), used_}; }

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
};

/// Begins a family of the Prometheus text format.
void family(Writer& out, std::string_view name, std::string_view type, std::string_view help) noexcept {
  out << "# HELP "sv << name << " "sv << help << "\n# TYPE "sv << name << " "sv << type << "\n"sv;
}

void single(Writer& out, std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t value) noexcept {
  family(out, name, type, help);
  out << name << " "sv << value << "\n"sv;
}

/// One gauge with a value for each file of a snapshot.
void per_file(Writer& out, std::string_view name, std::string_view help, std::uint64_t base,
              std::uint64_t delta) noexcept {
  family(out, name, "gauge"sv, help);
  out << name << "{file=\"base\"} "sv << base << "\n"sv << name << "{file=\"delta\"} "sv << delta << "\n"sv;
}

}  // namespace

std::string_view page(Verdict verdict) noexcept {
  if (verdict == Verdict::kMaintenance) return kMaintenancePage;
  if (verdict == Verdict::kDisabled) return kDisabledPage;
  return {};
}

std::string_view write_http_host(const HostDecision& decision, std::span<char, kHttpHostSize> out) noexcept {
  Writer text(out);
  text << decision.host;
  if (decision.port != 0) text << ":"sv << std::uint64_t{decision.port};
  return text.text();
}

std::string_view write_site_header(const SiteView& site, std::span<char, kSiteHeaderSize> out) noexcept {
  Writer text(out);
  return (text << site.host << "; generation="sv << site.generation).text();
}

std::ptrdiff_t unseal_credentials(const KeyRing& keys, const SiteView& site, std::span<char> plain) noexcept {
  const std::span sealed(reinterpret_cast<const unsigned char*>(site.sealed.data()), site.sealed.size());
  return keys.open(site.key_id, site.host, sealed, plain);
}

bool open_credentials(const KeyRing& keys, const SiteView& site, std::span<char> plain,
                      CredentialFields& fields) noexcept {
  const std::ptrdiff_t size = unseal_credentials(keys, site, plain);
  return size >= 0 && split_credentials(plain, static_cast<std::size_t>(size), fields);
}

bool split_credentials(std::span<char> plain, std::size_t size, CredentialFields& fields) noexcept {
  std::string_view rest(plain.data(), size);
  for (std::string_view& field : fields) {
    if (rest.size() < sizeof(std::uint16_t)) return false;
    const auto length = load<std::uint16_t>(rest.data());
    rest.remove_prefix(sizeof length);
    if (rest.size() < length) return false;
    field = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return false;
  // Behind a field stands the length of the next one, which has been read; behind the last one there is the room that
  // the seal took.
  for (const std::string_view field : fields)
    plain[static_cast<std::size_t>(field.data() + field.size() - plain.data())] = '\0';
  return true;
}

std::string_view write_php_limits(const SiteView& site, std::span<char, kPhpLimitsSize> out) noexcept {
  // Of every PHP request, and of constant parts only: without Writer's checks.
  static_assert(kPhpLimitsSize >=
                "memory_limit=M\nupload_max_filesize=M\npost_max_size=M\nmax_execution_time="sv.size() +
                    std::size_t{4} * (std::numeric_limits<std::uint32_t>::digits10 + 1));
  char* end = out.data();
  const auto put = [&end](std::string_view name, std::uint32_t value) noexcept {
    end += name.copy(end, name.size());
    end = std::to_chars(end, end + std::numeric_limits<std::uint32_t>::digits10 + 1, value).ptr;
  };
  put("memory_limit="sv, site.memory_limit);
  put("M\nupload_max_filesize="sv, site.upload_max_filesize);
  put("M\npost_max_size="sv, site.post_max_size);
  put("M\nmax_execution_time="sv, site.max_execution_time);
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

Outcome outcome_of(const HostDecision& decision) noexcept {
  switch (decision.verdict) {
    case Verdict::kServe:
      return decision.probe ? Outcome::kProbe : Outcome::kServe;
    case Verdict::kAcme:
      return Outcome::kAcme;
    case Verdict::kRedirect:
      return Outcome::kRedirect;
    case Verdict::kMaintenance:
      return Outcome::kMaintenance;
    case Verdict::kDisabled:
      return Outcome::kDisabled;
    case Verdict::kStatus:
      break;
  }
  switch (decision.status) {
    case 404:
      return Outcome::kUnknown;
    case 500:
      return Outcome::kFault;
    case 503:
      return Outcome::kNoMap;
    default:
      return Outcome::kRefused;
  }
}

bool is_configuration_name(std::string_view name) noexcept {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string_view write_status(const Counters& counters, const Snapshot* snapshot, std::uint64_t refusals, pid_t pid,
                              std::string_view configuration, std::span<char, kStatusSize> out) noexcept {
  Writer text(out);
  const Header* const base = snapshot == nullptr ? nullptr : &snapshot->base().header();
  const Header* const delta =
      snapshot == nullptr || snapshot->delta() == nullptr ? nullptr : &snapshot->delta()->header();
  const auto in = [](const Header* header, std::uint32_t Header::* field) noexcept -> std::uint64_t {
    return header == nullptr ? 0 : header->*field;
  };
  const auto read = [](const std::atomic<std::uint64_t>& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
  };
  single(text, "aegir_map_generation", "gauge", "Generation of the site map that this worker serves from.",
         snapshot == nullptr ? 0 : snapshot->generation());
  per_file(text, "aegir_map_names", "Names in this worker's site map, those that a delta takes away included.",
           in(base, &Header::name_count), in(delta, &Header::name_count));
  per_file(text, "aegir_map_sites", "Sites in this worker's site map.", in(base, &Header::site_count),
           in(delta, &Header::site_count));
  single(text, "aegir_map_refusals_total", "counter", "Published states that this worker refused.", refusals);
  family(text, "aegir_requests_total", "counter", "Requests of all workers by what was decided about them.");
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    text << "aegir_requests_total{verdict=\""sv << kOutcomeNames[i] << "\"} "sv << read(counters.requests[i]) << "\n"sv;
  }
  single(text, "aegir_decrypts_total", "counter", "Sets of credentials that all workers opened for requests.",
         read(counters.decrypts));
  single(text, "aegir_faults_total", "counter", "Broken records and credentials that could not be opened.",
         read(counters.faults));
  if (!configuration.empty()) {
    family(text, "aegir_configuration", "gauge", "Always 1; the label names the configuration of this server.");
    text << "aegir_configuration{name=\""sv << configuration << "\"} 1\n"sv;
  }
  single(text, "aegir_worker_pid", "gauge", "Process that answered.", static_cast<std::uint64_t>(pid));
  return text.text();
}

}  // namespace aegir::map
