#include "compiler/emit/people.hpp"

#include <algorithm>

namespace aegir::emit {
namespace {

constexpr std::string_view kConf = ".conf";
constexpr std::string_view kLocal = ".local";

std::vector<const PersonsFile*> files_in(std::string_view folder, const Surroundings& surroundings) {
  std::vector<const PersonsFile*> files;
  for (const PersonsFile& file : surroundings.people) {
    if (file.path.starts_with(folder) && file.path.find('/', folder.size()) == std::string::npos) {
      files.push_back(&file);
    }
  }
  return files;
}

void include_by_name(Text& text, Literal before, const PersonsFile& file, Literal after) {
  if (file.left_out) {
    text.line("# Left out, since the server refuses it: ", Value{file.path, "config_dir"});
  } else {
    text.line(before, Value{may_be_missing(file.path), "config_dir"}, after);
  }
}

bool is_local(std::string_view path) { return path.ends_with(std::string(kLocal) + std::string(kConf)); }

}  // namespace

std::string may_be_missing(std::string path) {
  const std::size_t last = path.rfind('/') - 1;
  path.replace(last, 1, {'[', path[last], ']'});
  return path;
}

bool is_left_out(const Surroundings& surroundings, std::string_view path) {
  return std::ranges::any_of(surroundings.people,
                             [&](const PersonsFile& file) { return file.left_out && file.path == path; });
}

void include_people(Text& text, Literal before, std::string_view folder, Literal after,
                    const Surroundings& surroundings) {
  const std::vector<const PersonsFile*> files = files_in(folder, surroundings);
  if (std::ranges::none_of(files, &PersonsFile::left_out)) {
    text.line(before, Value{std::string(folder) + "*.conf", "config_dir"}, after);
    return;
  }
  for (const PersonsFile* file : files) include_by_name(text, before, *file, after);
}

void include_peoples_hosts(Text& text, Literal before, std::string_view folder, Literal after, const Model& model) {
  std::vector<const PersonsFile*> files = files_in(folder, model.surroundings);
  std::erase_if(files, [&](const PersonsFile* file) {
    return std::ranges::any_of(model.own_sites, [&](const OwnSite& site) {
      return file->path.substr(folder.size()) == site.uri + std::string(kLocal) + std::string(kConf);
    });
  });
  if (std::ranges::any_of(files, &PersonsFile::left_out)) {
    for (const PersonsFile* file : files) include_by_name(text, before, *file, after);
    return;
  }
  // A pattern can't say "but not", so that each says one letter that is not the one of ".local".
  text.line("# All *.conf files but *.local.conf, which belong to sites.");
  for (std::size_t at = kLocal.size(); at-- > 0;) {
    const std::string end = std::string(kLocal.substr(at + 1)) + std::string(kConf);
    const std::string pattern = std::string(folder) + "*[!" + kLocal[at] + "]" + end;
    text.line(before, Value{pattern, "config_dir"}, after);
    if (at + 1 == kLocal.size()) continue;
    const std::string whole = std::string(folder) + "[" + end.front() + "]" + end.substr(1);
    text.line(before, Value{whole, "config_dir"}, after);
  }
  for (const PersonsFile* file : files) {
    if (is_local(file->path)) include_by_name(text, before, *file, after);
  }
}

}  // namespace aegir::emit
