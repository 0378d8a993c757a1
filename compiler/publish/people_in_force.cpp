#include "compiler/publish/people_in_force.hpp"

#include <algorithm>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::publish {
namespace {

constexpr std::size_t kLargestHtaccess = 1U << 20U;
constexpr std::string_view kLeftOut = " left out";

/// What an activation has made of a file of people's that is there.
enum class Force : std::uint8_t { kAsItIs, kAsItWas, kNotYet, kRefused };

/// `kept` is what is remembered of it; null: nothing.
Force force_of(const std::string* kept, std::string_view content) {
  if (kept == nullptr) return Force::kNotYet;
  const std::string hash = content_hash(content);
  if (*kept == hash) return Force::kAsItIs;
  if (*kept == hash + std::string(kLeftOut)) return Force::kRefused;
  // Of one that was left out nothing is in force.
  return kept->ends_with(kLeftOut) ? Force::kNotYet : Force::kAsItWas;
}

std::string in_words(Force force) {
  switch (force) {
    case Force::kAsItIs:
      return {};
    case Force::kAsItWas:
      return "in force is what it was before";
    case Force::kNotYet:
      return "not in force yet";
    case Force::kRefused:
      break;
  }
  return "not in force: refused by its server";
}

/// Nothing when nothing was kept yet.
Result<Files> known_of(const Config& config, const ServerKind& kind) {
  Result<Files> known = read_kept(config, Kept::kPeople, kind.folder);
  if (!known && known.error().code == Code::kNotFound) return Files();
  return known;
}

/// The files of one kind of server.
Result<std::vector<Error>> compare_files_of(const Config& config, const ServerKind& kind,
                                            std::vector<emit::PersonsFile>& people,
                                            const std::function<void(const FileChange&)>& told) {
  std::vector<Error> errors;
  Result<Files> before = known_of(config, kind);
  if (!before) return pass(before);
  for (emit::PersonsFile& file : people) {
    if (!path_is_of(kind, config, file.path)) continue;
    const auto old = before->extract(file.path);
    const Result<std::string> text = machine::read_config(config, file.path);
    if (!text) {
      errors.push_back(text.error());
      continue;
    }
    const Force force = force_of(old.empty() ? nullptr : &old.mapped(), *text);
    file.left_out = force == Force::kRefused;
    if (force == Force::kAsItIs) continue;
    told({force == Force::kAsItWas ? What::kChanged : What::kAdded, file.path, {}, "yours, " + in_words(force)});
  }
  for (const auto& [path, hash] : *before) {
    if (!hash.ends_with(kLeftOut)) told({What::kGone, path, {}, "yours, still in force"});
  }
  return errors;
}

}  // namespace

Result<std::optional<std::string>> docroots_htaccess(const registry::Platform& platform) {
  const std::string path = platform.docroot + "/.htaccess";
  Result<std::string> text = read_file(path, kLargestHtaccess);
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return pass(text);
  if (text->find('\0') != std::string::npos)
    return fail_at(path, Code::kInvalid, "holds a NUL, which no .htaccess does");
  return std::optional(*std::move(text));
}

Result<void> remember_people(const Config& config, const Accounts& accounts, const ServerKind& kind,
                             const std::vector<emit::PersonsFile>& people, const Files& contents) {
  Files hashes;
  for (const emit::PersonsFile& file : people) {
    const auto content = contents.find(file.path);
    if (content == contents.end()) continue;
    hashes[file.path] = content_hash(content->second) + std::string(file.left_out ? kLeftOut : "");
  }
  if (!hashes.empty()) return write_kept(config, accounts, Kept::kPeople, kind.folder, hashes);
  return forget_kept(config, Kept::kPeople, kind.folder);
}

Result<std::string> what_is_not_in_force(const Config& config, const ServerKind& kind, const std::string& path) {
  const Result<Files> known = known_of(config, kind);
  if (!known) return std::unexpected(known.error());
  const Result<std::string> text = machine::read_config(config, path);
  if (!text) return std::unexpected(text.error());
  const auto kept = known->find(path);
  return in_words(force_of(kept == known->end() ? nullptr : &kept->second, *text));
}

Result<std::vector<Error>> compare_people(const Config& config, emit::Model& model,
                                          const std::function<void(const FileChange&)>& told) {
  std::vector<Error> errors;
  for (const ServerKind* kind : {&kApache, &kNginx}) {
    Result<std::vector<Error>> also = compare_files_of(config, *kind, model.surroundings.people, told);
    if (!also) return also;
    errors.insert(errors.end(), also->begin(), also->end());
  }
  for (const registry::Platform& platform : model.platforms) {
    if (platform.state == registry::PlatformState::kDeleted || (platform.services & registry::kApache) == 0) continue;
    const Result<std::optional<std::string>> wanted = docroots_htaccess(platform);
    if (!wanted) {
      errors.push_back(wanted.error());
      continue;
    }
    const std::string path = emit::accepted_htaccess_path(config, platform);
    Result<std::string> accepted = machine::read_config(config, path);
    if (!accepted && accepted.error().code != Code::kNotFound) return pass(accepted);
    const std::optional<std::string> present = accepted ? std::optional(*std::move(accepted)) : std::nullopt;
    std::optional<FileChange> change = compare_texts(path, present, *wanted, platform.docroot + "/.htaccess");
    if (!change) continue;
    change->remark = "the .htaccess of platform " + platform.name + ", once Apache has accepted it";
    told(*change);
  }
  return errors;
}

}  // namespace aegir::publish
