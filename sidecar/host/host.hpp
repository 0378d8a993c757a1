// The worker's half of the socket to aegird: each verb of the closed list as a function. What needs root on this
// machine goes through here and nowhere else.
//
// Every function waits for aegird's answer and may be called from any thread at any time. Once aegird is gone all of
// them fail with kIo, those that wait too: a worker without aegird has nothing left to do but to end.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/codec.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/machine.hpp"
#include "sidecar/wire/mail_order.hpp"
#include "sidecar/wire/order.hpp"
#include "sidecar/wire/reconcile_order.hpp"
#include "sidecar/wire/server_order.hpp"
#include "sidecar/wire/site_order.hpp"
#include "sidecar/wire/verb.hpp"

namespace aegir::host {

class Host;

/// A run that has begun. One thread waits for it; any may end it.
class Run {
 public:
  /// Ends it when nobody has waited for it.
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// A descriptor that can be read from when its end is known.
  [[nodiscard]] int ended() const noexcept;
  /// Waits until it and all its processes are gone. To be called once.
  [[nodiscard]] Result<wire::RunEnd> wait();
  /// Asks aegird to kill it; wait() tells when that is done.
  [[nodiscard]] Result<void> end();

 private:
  friend class Host;
  struct Answer;
  Run(Host& host, std::uint64_t request, std::shared_ptr<Answer> answer)
      : host_(host), request_(request), answer_(std::move(answer)) {}

  Host& host_;
  std::uint64_t request_;
  std::shared_ptr<Answer> answer_;
  bool waited_ = false;
};

class Host {
 public:
  /// Reads answers from `channel`, the worker's end, in a thread of its own.
  explicit Host(Fd channel);
  /// No other thread may be in any function, and no Run be left.
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Waits until aegird is gone.
  void wait_until_gone();
  [[nodiscard]] bool is_gone();

  /// Begins a run with these descriptors as its input, output and errors; they stay the caller's. What is wrong with
  /// the order comes from Run::wait().
  [[nodiscard]] Result<std::unique_ptr<Run>> start(const wire::RunOrder& order, const std::array<int, 3>& files);

  /// Makes the slots of a block, or what is missing of them.
  [[nodiscard]] Result<machine::Done> make_slots(const machine::BlockSlots& block);
  /// Kills every process of a slot, its PHP too, until there is none.
  [[nodiscard]] Result<void> end_slot(const wire::Slot& slot);
  /// The same for good: nothing ever runs as this slot again, and what it has in its directories is gone.
  [[nodiscard]] Result<machine::Done> retire_slot(const wire::Slot& slot);
  /// How many processes a slot has.
  [[nodiscard]] Result<std::uint64_t> count_slot(const wire::Slot& slot);

  /// Whether a site's directory is free for it or its own already: kConflict says whose it is.
  [[nodiscard]] Result<void> look_at_site(const wire::SiteOrder& site);
  /// Makes a site's directory, or puts its owners and modes right, without a look at what lies deeper in it.
  [[nodiscard]] Result<machine::Done> prepare_site(const wire::SiteOrder& site);
  /// The same with everything in it; costs a look at every file.
  [[nodiscard]] Result<wire::PreparedTree> prepare_site_tree(const wire::SiteOrder& site);
  /// Writes what Drupal and Drush read of a site, into its directory and around it; then publish, then finish_site().
  [[nodiscard]] Result<wire::WrittenSite> write_site(const wire::SiteFilesOrder& site);
  /// After the publish, when write_site() has said that settings.php waits for it.
  [[nodiscard]] Result<machine::Done> finish_site(const wire::SiteFilesOrder& site);
  /// What people have written for the site alone, and PHP can't read.
  [[nodiscard]] Result<std::vector<Error>> lint_site(const wire::SiteFilesOrder& site);
  /// Takes away what was written for a name outside of the site's directory and slot.
  [[nodiscard]] Result<machine::Done> forget_site(const std::string& uri);
  /// Removes a site's directory with everything in it, whatever is there. Done again, it goes on where it was.
  [[nodiscard]] Result<machine::Done> remove_site(const wire::SiteOrder& site);
  /// The names for which something was written and not forgotten, sorted.
  [[nodiscard]] Result<std::vector<std::string>> written_sites();

  /// For which sites people have put something down on this machine; `servers` are the names of all servers. Belongs
  /// into the model of the next two.
  [[nodiscard]] Result<wire::PeoplesSites> peoples_sites(const std::vector<std::string>& servers);
  /// Brings folders, slots, fragments and web servers to the model. Takes turns with the next.
  [[nodiscard]] Result<wire::Verified> verify_servers(const wire::ServersOrder& servers);
  /// The same, and a platform's code, files and rules before it.
  [[nodiscard]] Result<wire::Verified> verify_platform(const wire::PlatformOrder& platform);
  /// A platform's own files alone, such as the list of its sites.
  [[nodiscard]] Result<wire::Verified> write_platform(const wire::PlatformFilesOrder& platform);
  /// Starts the PHP master of a block, which verify_servers() has written, and waits until it answers.
  [[nodiscard]] Result<void> start_php(const wire::PhpOrder& php);
  /// Ends it, with the requests that it works on. Nothing when it does not run.
  [[nodiscard]] Result<void> stop_php(const wire::PhpOrder& php);
  /// Has it read its configuration again; every site of the block waits meanwhile.
  [[nodiscard]] Result<void> reload_php(const wire::PhpOrder& php);
  /// The text of the map's key file, for KeyRing::parse(). kNotFound when there is none.
  [[nodiscard]] Result<std::string> map_key();
  /// What is in config/ssl.d, by folder.
  [[nodiscard]] Result<std::vector<wire::CertificateFacts>> certificates();
  /// How servers, platforms and sites differ from what they are to be; changes nothing.
  [[nodiscard]] Result<wire::Comparison> compare(const wire::CompareOrder& order);
  /// What lies on this machine where only what the registry knows should.
  [[nodiscard]] Result<wire::Survey> survey(const wire::SurveyOrder& order);
  /// Hands a mail to this machine's mail program. kNotFound: there is none.
  [[nodiscard]] Result<void> send_mail(const wire::MailOrder& mail);

 private:
  friend class Run;
  using Answer = Run::Answer;

  struct Sent {
    std::uint64_t request = 0;
    std::shared_ptr<Answer> answer;
  };
  [[nodiscard]] Result<Sent> send(wire::Verb verb, std::string_view order, const std::vector<int>& fds = {});
  /// Sends and waits: the bytes of the Result.
  [[nodiscard]] Result<std::string> exchange(wire::Verb verb, std::string_view order);
  template <class Value, class Order>
  [[nodiscard]] Result<Value> ask(wire::Verb verb, const Order& order) {
    wire::Encoder encoder;
    encoder.put(order);
    const Result<std::string> bytes = exchange(verb, encoder.bytes());
    if (!bytes) return std::unexpected(bytes.error());
    return wire::decode_result<Value>(*bytes);
  }
  void read_answers();
  void give_up();

  Fd channel_;
  std::mutex mutex_;
  std::condition_variable changed_;                           ///< gone_
  std::map<std::uint64_t, std::shared_ptr<Answer>> waiting_;  ///< by request
  std::uint64_t requests_ = 0;
  bool gone_ = false;
  std::thread reader_;
};

}  // namespace aegir::host
