#include "sidecar/host/host.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <future>
#include <optional>
#include <utility>

#include "sidecar/wire/channel.hpp"

namespace aegir::host {
namespace {

std::unexpected<Error> gone() {
  return fail(Code::kIo, "aegird is gone", "start it again; what was being done goes on then");
}

}  // namespace

/// What a request is answered with.
struct Run::Answer {
  std::promise<Result<std::string>> bytes;
  Fd told;  ///< of a run: an eventfd

  void set(Result<std::string> value) {
    bytes.set_value(std::move(value));
    if (told) (void)::eventfd_write(told.get(), 1);
  }
};

Run::~Run() {
  if (waited_) return;
  // When aegird is gone, so is the run.
  const Result<void> told = end();
  static_cast<void>(told);
}

int Run::ended() const noexcept { return answer_->told.get(); }

Result<wire::RunEnd> Run::wait() {
  waited_ = true;
  const Result<std::string> bytes = answer_->bytes.get_future().get();
  if (!bytes) return std::unexpected(bytes.error());
  return wire::decode_result<wire::RunEnd>(*bytes);
}

Result<void> Run::end() { return host_.ask<void>(wire::Verb::kEndRun, request_); }

Host::Host(Fd channel) : channel_(std::move(channel)), reader_([this] { read_answers(); }) {}

Host::~Host() {
  (void)::shutdown(channel_.get(), SHUT_RDWR);
  reader_.join();
}

void Host::wait_until_gone() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return gone_; });
}

bool Host::is_gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

Result<Host::Sent> Host::send(wire::Verb verb, std::string_view order, const std::vector<int>& fds) {
  Sent sent{0, std::make_shared<Answer>()};
  if (verb == wire::Verb::kRun) {
    sent.answer->told = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!sent.answer->told) return fail_errno("can't be made", "an eventfd", errno);
  }
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return gone();
    sent.request = ++requests_;
    waiting_.emplace(sent.request, sent.answer);
  }
  wire::Encoder encoder;
  encoder.put(sent.request);
  encoder.put(verb);
  encoder.bytes() += order;
  Result<void> done = wire::send(channel_.get(), encoder.bytes(), fds);
  if (done) return sent;
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase(sent.request);
  }
  if (done.error().code == Code::kIo) return gone();
  return pass(done);
}

Result<std::string> Host::exchange(wire::Verb verb, std::string_view order) {
  Result<Sent> sent = send(verb, order);
  if (!sent) return pass(sent);
  return sent->answer->bytes.get_future().get();
}

void Host::read_answers() {
  for (;;) {
    Result<std::optional<wire::Packet>> packet = wire::receive(channel_.get());
    // What makes no sense has no number either, so that somebody would wait for ever.
    if (!packet || !*packet) return give_up();
    wire::Decoder decoder((*packet)->bytes);
    std::uint64_t request = 0;
    if (!decoder.get(request)) return give_up();
    std::shared_ptr<Answer> answer;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(request);
      if (found == waiting_.end()) continue;
      answer = std::move(found->second);
      waiting_.erase(found);
    }
    answer->set((*packet)->bytes.substr(sizeof request));
  }
}

void Host::give_up() {
  std::map<std::uint64_t, std::shared_ptr<Answer>> waiting;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    waiting.swap(waiting_);
  }
  // Nobody waits while a full socket is written to.
  (void)::shutdown(channel_.get(), SHUT_RDWR);
  for (const auto& [request, answer] : waiting) answer->set(gone());
  changed_.notify_all();
}

Result<std::unique_ptr<Run>> Host::start(const wire::RunOrder& order, const std::array<int, 3>& files) {
  wire::Encoder encoder;
  encoder.put(order);
  Result<Sent> sent = send(wire::Verb::kRun, encoder.bytes(), {files.begin(), files.end()});
  if (!sent) return pass(sent);
  return std::unique_ptr<Run>(new Run(*this, sent->request, std::move(sent->answer)));
}

Result<machine::Done> Host::make_slots(const machine::BlockSlots& block) {
  return ask<machine::Done>(wire::Verb::kMakeSlots, block);
}

Result<void> Host::end_slot(const wire::Slot& slot) { return ask<void>(wire::Verb::kEndSlot, slot); }

Result<machine::Done> Host::retire_slot(const wire::Slot& slot) {
  return ask<machine::Done>(wire::Verb::kRetireSlot, slot);
}

Result<std::uint64_t> Host::count_slot(const wire::Slot& slot) {
  return ask<std::uint64_t>(wire::Verb::kCountSlot, slot);
}

Result<void> Host::look_at_site(const wire::SiteOrder& site) { return ask<void>(wire::Verb::kLookAtSite, site); }

Result<machine::Done> Host::prepare_site(const wire::SiteOrder& site) {
  return ask<machine::Done>(wire::Verb::kPrepareSite, site);
}

Result<wire::PreparedTree> Host::prepare_site_tree(const wire::SiteOrder& site) {
  return ask<wire::PreparedTree>(wire::Verb::kPrepareSiteTree, site);
}

Result<wire::WrittenSite> Host::write_site(const wire::SiteFilesOrder& site) {
  return ask<wire::WrittenSite>(wire::Verb::kWriteSite, site);
}

Result<machine::Done> Host::finish_site(const wire::SiteFilesOrder& site) {
  return ask<machine::Done>(wire::Verb::kFinishSite, site);
}

Result<std::vector<Error>> Host::lint_site(const wire::SiteFilesOrder& site) {
  return ask<std::vector<Error>>(wire::Verb::kLintSite, site);
}

Result<machine::Done> Host::forget_site(const std::string& uri) {
  return ask<machine::Done>(wire::Verb::kForgetSite, uri);
}

Result<machine::Done> Host::remove_site(const wire::SiteOrder& site) {
  return ask<machine::Done>(wire::Verb::kRemoveSite, site);
}

Result<std::vector<std::string>> Host::written_sites() {
  return ask<std::vector<std::string>>(wire::Verb::kWrittenSites, wire::Nothing());
}

Result<wire::PeoplesSites> Host::peoples_sites(const std::vector<std::string>& servers) {
  return ask<wire::PeoplesSites>(wire::Verb::kPeoplesSites, servers);
}

Result<wire::Verified> Host::verify_servers(const wire::ServersOrder& servers) {
  return ask<wire::Verified>(wire::Verb::kVerifyServers, servers);
}

Result<wire::Verified> Host::verify_platform(const wire::PlatformOrder& platform) {
  return ask<wire::Verified>(wire::Verb::kVerifyPlatform, platform);
}

Result<wire::Verified> Host::write_platform(const wire::PlatformFilesOrder& platform) {
  return ask<wire::Verified>(wire::Verb::kWritePlatform, platform);
}

Result<void> Host::start_php(const wire::PhpOrder& php) { return ask<void>(wire::Verb::kStartPhp, php); }

Result<void> Host::stop_php(const wire::PhpOrder& php) { return ask<void>(wire::Verb::kStopPhp, php); }

Result<void> Host::reload_php(const wire::PhpOrder& php) { return ask<void>(wire::Verb::kReloadPhp, php); }

Result<std::string> Host::map_key() { return ask<std::string>(wire::Verb::kMapKey, wire::Nothing()); }

Result<wire::Comparison> Host::compare(const wire::CompareOrder& order) {
  return ask<wire::Comparison>(wire::Verb::kCompare, order);
}

Result<wire::Survey> Host::survey(const wire::SurveyOrder& order) {
  return ask<wire::Survey>(wire::Verb::kSurvey, order);
}

Result<std::vector<wire::CertificateFacts>> Host::certificates() {
  return ask<std::vector<wire::CertificateFacts>>(wire::Verb::kCertificates, wire::Nothing());
}

Result<void> Host::send_mail(const wire::MailOrder& mail) { return ask<void>(wire::Verb::kSendMail, mail); }

}  // namespace aegir::host
