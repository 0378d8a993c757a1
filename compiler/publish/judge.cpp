#include "compiler/publish/judge.hpp"

#include <sys/stat.h>

#include "compiler/machine/command.hpp"

namespace aegir::publish {

Files apache_as_judge(const Config& config) {
  Files judge;
  for (const char* question : {"-v", "-M"}) {
    std::vector<std::string> argv = config.apache_start;
    argv.emplace_back(question);
    // One that can't answer is another one than before, or will be when it can.
    const Result<std::string> answer = machine::ask_server(argv);
    judge[question] = answer ? *answer : answer.error().message;
  }
  struct stat status{};
  if (::stat(config.apache_module.c_str(), &status) == 0) {
    judge[config.apache_module] = std::to_string(status.st_size) + ' ' + std::to_string(status.st_mtim.tv_sec) + '.' +
                                  std::to_string(status.st_mtim.tv_nsec);
  }
  return judge;
}

}  // namespace aegir::publish
