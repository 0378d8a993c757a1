#include "tests/crash/sidecar/matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <regex>
#include <stdexcept>

namespace aegir::sidecar {
namespace {

using nlohmann::json;

constexpr unsigned kFewSlots = 8;

std::string with(std::string text, const std::string& what, const std::string& instead) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += instead.size()) {
    text.replace(at, what.size(), instead);
  }
  return text;
}

/// The same whatever the objects' names are. A database is named after its site, with a number where deleted sites have
/// had that name before.
Picture anonymous(Picture change, const std::vector<Wish>& wishes) {
  for (std::size_t n = 0; n < wishes.size(); ++n) {
    const std::string placeholder = "@" + std::to_string(n);
    const std::regex database(with(wishes[n].object, ".", "_") + "(_[0-9]+)?");
    Picture same;
    for (const std::string& line : change) {
      same.insert(std::regex_replace(with(line, wishes[n].object, placeholder), database, placeholder));
    }
    change = std::move(same);
  }
  return change;
}

std::string text_of(const Picture& picture) {
  std::string text;
  for (const std::string& line : picture) text += "  " + line + '\n';
  return text.empty() ? "  nothing\n" : text;
}

bool is_good(const json& task) { return task.at("state") == "success" || task.at("state") == "warning"; }

}  // namespace

bool is_full() { return std::getenv("AEGIR_FULL") != nullptr; }

std::mt19937_64& random_choice() {
  static std::mt19937_64 generator = [] {
    const char* const given = std::getenv("AEGIR_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::cout << "AEGIR_SEED=" << seed << '\n';
    return std::mt19937_64(seed);
  }();
  return generator;
}

Matrix::Matrix() : world_(std::make_unique<World>()) {}

void Matrix::refresh() {
  if (world_->slots_left() > kFewSlots) return;
  world_.reset();
  world_ = std::make_unique<World>();
  last_name_.clear();
}

Picture Matrix::look(const std::vector<Wish>& wishes) {
  std::set<std::string> hosts;
  for (const Wish& wish : wishes) {
    if (wish.kind == "site") hosts.insert(wish.object);
  }
  return world_->look(std::move(hosts));
}

const Matrix::Known& Matrix::known(const Row& row) {
  const auto there = known_.find(row.name);
  if (there != known_.end()) return there->second;
  const std::vector<Wish> wishes = {row.ready()};
  const Wish& wish = wishes.front();
  const Picture before = look(wishes);
  world_->points().watch([&](unsigned, const std::string& point) {
    if (point == row.spoiled_at) row.spoil(wish);
  });
  world_->put(wish);
  Known known;
  const auto has_ended = [&] {
    known.points = world_->points().seen();
    return !known.points.empty() && known.points.back() == "after end";
  };
  if (!live::eventually(has_ended)) throw std::runtime_error(row.name + " does not end:\n" + world_->lab().log());
  world_->points().watch({});
  const json task = world_->last_task(wish);
  if (is_good(task) != row.spoiled_at.empty()) {
    throw std::runtime_error(row.name + ", undisturbed: " + task.dump() + '\n' + world_->log_of(task));
  }
  known.change = anonymous(difference(before, look(wishes)), wishes);
  if (!row.spoiled_at.empty() && !known.change.empty()) {
    throw std::runtime_error(row.name + ": what failed has left\n" + text_of(known.change));
  }
  return known_.emplace(row.name, std::move(known)).first->second;
}

const std::vector<std::string>& Matrix::points_of(const Row& row) { return known(row).points; }

/// Waits until aegird has ended, all tasks have, or one stands still until something comes back.
void Matrix::settle(const std::vector<Wish>& wishes, const std::atomic<bool>& hit, const Fault& fault) {
  const auto stands_still = [&](const Wish& wish) {
    return world_->log_of(world_->last_task(wish)).contains("it is tried again in");
  };
  // The end of a task is written before its last point.
  constexpr std::chrono::milliseconds kLastPoint{1000};
  std::optional<std::chrono::steady_clock::time_point> since;
  while (!world_->lab().aegird().wait(live::Milliseconds(10))) {
    if (hit && fault.ends_aegird) continue;
    if (world_->is_idle() && (hit || !live::eventually([&] { return hit.load(); }, kLastPoint))) return;
    try {
      if (hit && std::ranges::any_of(wishes, stands_still)) return;
    } catch (const std::exception&) {
      continue;  // it ended while it was asked
    }
    if (hit && !since) since = std::chrono::steady_clock::now();
    if (since && std::chrono::steady_clock::now() - *since > fault.patience) return;
  }
}

Outcome Matrix::play(const std::vector<Row>& rows, const Fault& fault, const std::vector<unsigned>& points) {
  std::vector<Picture> changes;
  for (const Row& row : rows) changes.push_back(known(row).change);
  std::vector<Wish> wishes;
  for (const Row& row : rows) wishes.push_back(row.ready());
  const Picture before = look(wishes);
  Lab& lab = world_->lab();
  std::string where;
  bool all_hit = true;
  for (std::size_t n = 0; n < points.size() && all_hit; ++n) {
    std::atomic<bool> hit = false;
    std::string name;
    world_->points().watch([&](unsigned number, const std::string& point) {
      for (std::size_t each = 0; each < rows.size(); ++each) {
        if (point == rows[each].spoiled_at) rows[each].spoil(wishes[each]);
      }
      if (number != points[n]) return;
      hit = true;
      name = point;
      fault.begin(wishes.front());
    });
    try {
      if (n == 0) std::ranges::for_each(wishes, [&](const Wish& wish) { world_->put(wish); });
    } catch (const std::exception&) {
      if (!hit) throw;  // else it ended before it answered
    }
    if (n != 0) lab.spawn_aegird();
    settle(wishes, hit, fault);
    world_->points().watch({});
    all_hit = hit;
    // The point may have come just now.
    if (all_hit && fault.ends_aegird && !lab.aegird().wait()) throw std::runtime_error("aegird does not end");
    where += (where.empty() ? "" : ", then ") + std::to_string(points[n]) + " (" + name + ")";
  }
  if (fault.end) fault.end();
  all_hit = all_hit && (!fault.happened || fault.happened());
  if (lab.aegird_runs() && !world_->is_idle()) lab.kill_aegird();
  if (!lab.aegird_runs()) lab.start_aegird();
  world_->await_idle();
  Picture right;
  std::string story;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const std::optional<json> task = world_->find_task(wishes[n]);
    if (!task) continue;  // aegird was killed before it was asked for
    story += task->dump() + '\n' + world_->log_of(*task);
    if (!is_good(*task)) continue;
    for (const std::string& line : changes[n]) right.insert(with(line, "@0", "@" + std::to_string(n)));
  }
  const Picture change = anonymous(difference(before, look(wishes)), wishes);
  const std::string differs = lab.differences();
  if (change == right && differs.empty()) return all_hit ? Outcome::kSurvived : Outcome::kNotReached;
  ADD_FAILURE() << rows.front().name << ", " << fault.name << " at point " << where << ": there is\n"
                << text_of(change) << "where there should be\n"
                << text_of(right) << "reconcile finds: " << differs << '\n'
                << story << lab.log();
  return Outcome::kFailed;
}

Outcome Matrix::round(const std::vector<Row>& rows, const Fault& fault, const std::vector<unsigned>& points) {
  refresh();
  Outcome outcome = Outcome::kFailed;
  try {
    outcome = play(rows, fault, points);
  } catch (const std::exception& problem) {
    ADD_FAILURE() << rows.front().name << ", " << fault.name << " at point " << points.front() << ": " << problem.what()
                  << '\n'
                  << world_->lab().log();
  }
  if (outcome == Outcome::kNotReached) return outcome;
  const std::pair key{rows.front().name, fault.name};
  auto found = std::ranges::find(table_, key, [](const auto& each) { return each.first; });
  if (found == table_.end()) found = table_.insert(found, {key, {}});
  ++found->second.points;
  if (outcome == Outcome::kSurvived) ++found->second.survived;
  return outcome;
}

std::string Matrix::table() const {
  const auto wide = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size() + 1), ' ');
    return text;
  };
  constexpr std::size_t kVerb = 28;
  constexpr std::size_t kFault = 34;
  constexpr std::size_t kNumber = 8;
  std::string text = wide("verb", kVerb) + wide("fault", kFault) + wide("points", kNumber) + "survived\n";
  Counted all;
  for (const auto& [key, counted] : table_) {
    text += wide(key.first, kVerb) + wide(key.second, kFault) + wide(std::to_string(counted.points), kNumber) +
            std::to_string(counted.survived) + '\n';
    all.points += counted.points;
    all.survived += counted.survived;
  }
  return text + wide("all", kVerb + kFault) + wide(std::to_string(all.points), kNumber) + std::to_string(all.survived) +
         '\n';
}

Fault Matrix::aegird_killed() {
  return {.name = "aegird and its children killed",
          .begin = [this](const Wish&) { world_->lab().aegird().signal(SIGKILL); },
          .ends_aegird = true};
}

}  // namespace aegir::sidecar
