// Brings the web servers of one kind to a model: reads what people have written, tries the whole in a sandbox, leaves
// out what is refused, installs, reloads, and goes back to the last good set when that does not help.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/machine/scratch.hpp"
#include "compiler/publish/activate.hpp"
#include "compiler/publish/kept.hpp"
#include "compiler/publish/running_server.hpp"

namespace aegir::publish {

/// For one activation; all that it refers to must outlive it. Works as activate() says.
class Bringer {
 public:
  /// `model` with its surroundings. What is done, refused or to be known is added to `activation`.
  Bringer(const RunningServer& server, const Config& config, const Accounts& accounts, const emit::Model& model,
          Activation& activation)
      : kind_(server.kind()),
        server_(server),
        config_(config),
        accounts_(accounts),
        model_(model),
        activation_(activation) {}

  /// `read` are the platforms whose .htaccess is read now. The error: the server keeps what it has.
  [[nodiscard]] Result<void> bring(const std::set<std::string>& read);

 private:
  /// An .htaccess that Apache has to be asked about.
  struct Candidate {
    registry::Platform platform;
    std::string content;
    bool in_force = false;  ///< accepted by another Apache
  };

  [[nodiscard]] Result<void> look();
  void read_htaccess(const std::set<std::string>& read);
  void note_missing_htaccess(const registry::Platform& platform);
  void refuse(const registry::Platform& platform, Error error);
  [[nodiscard]] bool has_new_judge();
  [[nodiscard]] Result<void> remember_judge();
  bool drop(const registry::Platform& platform);
  void tell_dropped(const registry::Platform& platform, Error error);
  [[nodiscard]] Result<void> emit();
  [[nodiscard]] Result<void> emit_files();
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] Result<void> adopt(std::vector<Candidate> asked);
  [[nodiscard]] Result<void> attempt(const std::vector<Candidate>& asked);
  [[nodiscard]] Result<void> leave_out(Error error);
  [[nodiscard]] bool leave_out_certificate(Error& error);
  void tell_left_out(const emit::PersonsFile& file, Error error);
  void tell_without_https(Error error, std::string hint);
  [[nodiscard]] bool is_on_disk() const;
  [[nodiscard]] bool serves_or_is_down();
  [[nodiscard]] Result<void> install(const Files& files);
  [[nodiscard]] Result<void> put_in_force();
  [[nodiscard]] Result<void> go_back(Error error);
  [[nodiscard]] Result<void> keep_good();

  [[nodiscard]] std::string& set_name();
  [[nodiscard]] bool is_ours(std::string_view path) const;
  [[nodiscard]] std::vector<registry::Platform> platforms() const;

  const ServerKind& kind_;
  const RunningServer& server_;
  const Config& config_;
  const Accounts& accounts_;
  emit::Model model_;
  Activation& activation_;

  Files people_;                                ///< people's files
  Files htaccess_;                              ///< accepted ones, by their path beside the fragments
  Files files_;                                 ///< what is to be in force, htaccess_ too
  std::string set_;                             ///< their name, which the status says
  std::vector<Candidate> candidates_;           ///< .htaccess files that Apache has to be asked about
  std::vector<std::optional<Error>> verdicts_;  ///< and what it says of each
  std::optional<Files> judge_;                  ///< Apache as it is now, once that was asked
  std::set<std::string> accepted_;              ///< platforms whose .htaccess is new and good
  bool included_ = true;
  bool is_down_ = false;
};

}  // namespace aegir::publish
