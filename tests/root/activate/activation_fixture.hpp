// A private installation whose servers run, and whose configuration is changed while somebody asks its sites all the
// time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/publish/activate.hpp"
#include "tests/live/emit/installation.hpp"

namespace aegir::publish {

/// A process that asks a.test and b.test on both servers from its beginning to its end.
class Visitor {
 public:
  explicit Visitor(const std::vector<live::Endpoint>& servers);
  ~Visitor();
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  /// Ends it. Fails the test when it was answered anything but 200, or asked nobody.
  void stop();

 private:
  struct Counts;
  Counts* counts_;
  pid_t pid_;
};

class ActivationTest : public testing::Test {
 protected:
  ActivationTest();
  ~ActivationTest() override;

  /// Activates, reading the .htaccess of all platforms or of those named.
  Activation activate() { return activate({"p1", "p2"}); }
  Activation activate(const std::set<std::string>& read);
  static std::string describe_all(const Activation& activation);
  /// Activates and expects no error.
  void expect_fine(const std::set<std::string>& read = {"p1", "p2"});

  void put_htaccess(const std::string& content, const std::string& platform = "p1");
  [[nodiscard]] std::string accepted(const std::string& platform = "p1") const;
  /// A path below the configuration of `service`.
  [[nodiscard]] std::string in(const std::string& service, const std::string& name) const;
  [[nodiscard]] int apache_answers(const std::string& target) const;
  [[nodiscard]] int nginx_answers(const std::string& target) const;
  [[nodiscard]] std::string canary() const { return installation_.root() + "/canary"; }

  live::Installation installation_;
  Config config_;
  emit::Model model_;
  std::unique_ptr<Visitor> visitor_;
};

}  // namespace aegir::publish
