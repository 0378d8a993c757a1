// /metrics: the Prometheus text format 0.0.4.
#include <chrono>
#include <fstream>

#include "sidecar/api/service.hpp"
#include "sidecar/api/words.hpp"

namespace aegir::api {
namespace {

/// Kilobytes of a line "Pss:   1234 kB" of a file in /proc; 0 when there is none.
std::uint64_t kilobytes(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    std::uint64_t value = 0;
    if (word == name && lines >> value) return value;
  }
  return 0;
}

class Text {
 public:
  void gauge(const std::string& name, const std::string& help) {
    out += "# HELP " + name + ' ' + help + "\n# TYPE " + name + " gauge\n";
  }
  void value(const std::string& series, std::uint64_t number) { out += series + ' ' + std::to_string(number) + '\n'; }
  void single(const std::string& name, const std::string& help, std::uint64_t number) {
    gauge(name, help);
    value(name, number);
  }
  std::string out;
};

}  // namespace

Result<std::string> Service::metrics(const Actor& actor) {
  const Result<QueueView> view = queue(actor);
  if (!view) return std::unexpected<Error>(view.error());
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  Text text;
  text.gauge("aegir_tasks", "Tasks of each state.");
  for (const auto& [word, state] : kTaskStateWords) {
    text.value("aegir_tasks{state=\"" + std::string(word) + "\"}", view->counts.at(static_cast<std::size_t>(state)));
  }
  text.single("aegir_queue_length", "Tasks that wait to begin.",
              view->counts.at(static_cast<std::size_t>(TaskState::kQueued)));
  text.single("aegir_queue_running", "Tasks that have begun and not ended.",
              view->counts.at(static_cast<std::size_t>(TaskState::kProcessing)));
  text.single("aegir_queue_oldest_seconds", "Age of the oldest task that waits to begin.",
              view->oldest == 0 || view->oldest > now ? 0 : static_cast<std::uint64_t>(now - view->oldest) / 1000);
  text.single("aegir_queue_paused", "1: no task begins.", view->paused ? 1 : 0);
  text.single("aegir_process_pss_bytes", "Memory of aegird-worker, its share of shared pages.",
              kilobytes("/proc/self/smaps_rollup", "Pss:") * 1024);
  text.single("aegir_process_resident_bytes", "Memory of aegird-worker that is resident.",
              kilobytes("/proc/self/status", "VmRSS:") * 1024);
  return std::move(text.out);
}

}  // namespace aegir::api
