// The words that stand for the enumerations of tasks in JSON, queries and metrics.
#pragma once

#include "compiler/registry/tasks.hpp"
#include "compiler/registry/words.hpp"

namespace aegir::api {

using registry::LogLevel;
using registry::ObjectKind;
using registry::StepState;
using registry::TaskState;
using registry::Word;

inline constexpr std::array kKindWords = {
    Word<ObjectKind>{"registry", ObjectKind::kRegistry}, Word<ObjectKind>{"server", ObjectKind::kServer},
    Word<ObjectKind>{"block", ObjectKind::kBlock},       Word<ObjectKind>{"platform", ObjectKind::kPlatform},
    Word<ObjectKind>{"client", ObjectKind::kClient},     Word<ObjectKind>{"site", ObjectKind::kSite}};
inline constexpr std::array kTaskStateWords = {
    Word<TaskState>{"queued", TaskState::kQueued},   Word<TaskState>{"processing", TaskState::kProcessing},
    Word<TaskState>{"success", TaskState::kSuccess}, Word<TaskState>{"warning", TaskState::kWarning},
    Word<TaskState>{"error", TaskState::kError},     Word<TaskState>{"cancelled", TaskState::kCancelled}};
inline constexpr std::array kStepStateWords = {
    Word<StepState>{"begun", StepState::kBegun}, Word<StepState>{"done", StepState::kDone},
    Word<StepState>{"undoing", StepState::kUndoing}, Word<StepState>{"undone", StepState::kUndone}};
inline constexpr std::array kLevelWords = {
    Word<LogLevel>{"debug", LogLevel::kDebug}, Word<LogLevel>{"info", LogLevel::kInfo},
    Word<LogLevel>{"success", LogLevel::kSuccess}, Word<LogLevel>{"warning", LogLevel::kWarning},
    Word<LogLevel>{"error", LogLevel::kError}};

}  // namespace aegir::api
