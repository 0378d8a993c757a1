#include "sidecar/tasks/work.hpp"

#include <algorithm>
#include <utility>

#include "compiler/core/utf8.hpp"

namespace aegir::tasks {
namespace {

constexpr std::size_t kLongestLine = 4096;
/// Lines wait so long for others, so that a program that says much does not make a transaction of each.
constexpr std::chrono::milliseconds kGather{200};

nlohmann::json parse(std::string_view text) {
  return text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text, nullptr, false);
}

}  // namespace

Work::Work(SharedStore& store, registry::Task task, std::vector<registry::StepRow> journal,
           std::function<void(std::uint64_t)> told)
    : store_(store), task_(std::move(task)), told_(std::move(told)), request_(parse(task_.request)) {
  for (registry::StepRow& row : journal) {
    const std::uint32_t number = row.number;
    journal_.emplace(number, std::move(row));
  }
  cancelled_ = task_.cancel_asked;
}

void Work::enter(std::uint32_t number) {
  const registry::StepRow& row = journal_.at(number);
  number_ = number;
  memo_ = parse(row.memo);
  warning_ = row.warning;
  const std::lock_guard lock(mutex_);
  step_ = row.name;
}

void Work::enter_task() {
  const std::lock_guard lock(mutex_);
  step_.clear();
}

void Work::leave() {
  registry::StepRow& row = journal_.at(number_);
  row.memo = memo_.empty() ? std::string() : memo_.dump();
  row.warning = warning_;
}

Result<void> Work::keep() {
  leave();
  return store_.with([&](registry::Store& store) { return store.tasks().put_step(id(), journal_.at(number_)); });
}

nlohmann::json Work::memo_of(std::string_view step) const {
  const auto row = std::ranges::find(journal_, step, [](const auto& each) { return each.second.name; });
  return row == journal_.end() ? nlohmann::json() : parse(row->second.memo);
}

void Work::log(registry::LogLevel level, std::string_view text) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string shown = masked(std::string(text));
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    // An error has its next step in a line of its own.
    for (std::size_t begin = 0; begin <= shown.size();) {
      const std::size_t end = std::min(shown.find('\n', begin), shown.size());
      registry::LogLine line;
      line.time = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
      line.level = level;
      line.step = step_;
      line.text = visible(std::string_view(shown).substr(begin, end - begin), kLongestLine);
      lines_.push_back(std::move(line));
      begin = end + 1;
    }
    due = std::chrono::steady_clock::now() - flushed_ > kGather;
  }
  // Who has the store may be about to take everything back that is written now.
  if (due && !store_.is_mine()) flush();
}

void Work::flush() {
  std::vector<registry::LogLine> lines;
  {
    const std::lock_guard lock(mutex_);
    lines = std::exchange(lines_, {});
    flushed_ = std::chrono::steady_clock::now();
  }
  if (lines.empty()) return;
  const Result<void> written = store_.with([&](registry::Store& store) { return store.tasks().add_log(id(), lines); });
  if (written) return told_(id());
  const std::lock_guard lock(mutex_);
  lines_.insert(lines_.begin(), std::move_iterator(lines.begin()), std::move_iterator(lines.end()));
}

void Work::warn(const Error& error) {
  const std::string text = describe(error);
  log(registry::LogLevel::kWarning, text);
  if (!warning_.empty()) warning_ += '\n';
  warning_ += masked(text);
}

void Work::hide(std::string secret) {
  // What is shorter would be found in innocent words.
  constexpr std::size_t kShortest = 6;
  if (secret.size() < kShortest) return;
  const std::lock_guard lock(mutex_);
  secrets_.push_back(std::move(secret));
}

void Work::hand_out(std::string secret) {
  hide(secret);
  const std::lock_guard lock(mutex_);
  handout_ = std::move(secret);
}

std::string Work::take_handout() {
  const std::lock_guard lock(mutex_);
  return std::exchange(handout_, {});
}

std::string Work::masked(std::string text) const {
  const std::lock_guard lock(mutex_);
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) text.replace(at, secret.size(), "***");
  }
  return text;
}

bool Work::is_cancelled() const { return cancelled_; }

std::optional<Loan> Work::borrow(const Locks& locks) {
  if (lender_ == nullptr || !lender_->lend(locks)) return std::nullopt;
  return std::optional<Loan>(std::in_place, *lender_, locks);
}

void Work::skip(const std::string& actor) {
  log(registry::LogLevel::kWarning, actor + " leaves the step as it is, should it fail once more");
  skipped_ = true;
}

void Work::cancel() {
  const std::lock_guard lock(cancel_mutex_);
  cancelled_ = true;
  if (on_cancel_) std::exchange(on_cancel_, nullptr)();
}

Work::OnCancel::OnCancel(Work& work, std::function<void()> now) : work_(work) {
  const std::lock_guard lock(work_.cancel_mutex_);
  if (work_.settled_) return;
  if (work_.cancelled_) {
    now();
  } else {
    work_.on_cancel_ = std::move(now);
  }
}

Work::OnCancel::~OnCancel() {
  const std::lock_guard lock(work_.cancel_mutex_);
  work_.on_cancel_ = nullptr;
}

}  // namespace aegir::tasks
