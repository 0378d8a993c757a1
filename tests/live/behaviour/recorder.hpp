// A FastCGI responder that answers with the parameters it was sent: every one, in order, repeated ones too. PHP can't
// show that, since it keeps one value of a name.
#pragma once

#include <string>
#include <thread>

#include "compiler/core/atomic_file.hpp"

namespace aegir::live {

/// Listens from construction to destruction, one request a connection. The socket is open to everybody.
class Recorder {
 public:
  explicit Recorder(const std::string& socket);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

 private:
  void serve() const;

  Fd listener_;
  Fd stop_;
  std::thread thread_;
};

}  // namespace aegir::live
