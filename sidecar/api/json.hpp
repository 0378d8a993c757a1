// What the service answers, as JSON. Secrets have no member here: what is not written can't leak.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "compiler/registry/model.hpp"
#include "sidecar/api/service.hpp"

namespace aegir::api {

using Json = nlohmann::ordered_json;

/// As bytes, on one line; what is no UTF-8 is replaced.
[[nodiscard]] std::string text_of(const Json& value);

[[nodiscard]] Json to_json(const registry::Task& task);
[[nodiscard]] Json to_json(const TaskView& view);
[[nodiscard]] Json to_json(const registry::StepRow& step);
[[nodiscard]] Json to_json(const registry::LogLine& line);
[[nodiscard]] Json to_json(const QueueView& queue);
[[nodiscard]] Json to_json(const registry::Server& server);
[[nodiscard]] Json to_json(const registry::Block& block);
[[nodiscard]] Json to_json(const registry::Platform& platform);
[[nodiscard]] Json to_json(const registry::Client& client);
[[nodiscard]] Json to_json(const registry::Site& site);
[[nodiscard]] Json to_json(const PlatformView& view);
[[nodiscard]] Json to_json(const SiteView& view);

/// "2026-11-26T03:14:07.123Z"; null for 0.
[[nodiscard]] Json time_json(std::int64_t milliseconds);

/// Errors as a problem (RFC 9457): the first one, and all of them when there are several.
[[nodiscard]] Json problem(unsigned status, std::span<const Error> errors);

}  // namespace aegir::api
