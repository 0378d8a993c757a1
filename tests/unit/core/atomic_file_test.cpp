#include "compiler/core/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace aegir {
namespace {

class AtomicFile : public ::testing::Test {
 protected:
  AtomicFile() {
    char name[] = "/tmp/aegir-atomic-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~AtomicFile() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  std::string directory_;
};

TEST_F(AtomicFile, ReplacesAFileWithItsMode) {
  const std::string path = directory_ + "/x";
  ASSERT_TRUE(write_file(path, "one", {.mode = 0600}).has_value());
  ASSERT_TRUE(write_file(path, "two", {.mode = 0440}).has_value());
  EXPECT_EQ(read_file(path).value(), "two");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0440U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFile, WithoutReplaceItKeepsWhatIsThere) {
  const std::string path = directory_ + "/x";
  ASSERT_TRUE(write_file(path, "one").has_value());
  const Result<void> second = write_file(path, "two", {.replace = false});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_EQ(read_file(path).value(), "one");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFile, AnErrorNamesThePathAndLeavesNothing) {
  const Result<void> written = write_file(directory_ + "/no/such/x", "one");
  ASSERT_FALSE(written.has_value());
  EXPECT_NE(describe(written.error()).find("/no/such"), std::string::npos);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(AtomicFile, ReadRefusesLinksDirectoriesAndLargeFiles) {
  ASSERT_TRUE(write_file(directory_ + "/x", "12345").has_value());
  std::filesystem::create_symlink("x", directory_ + "/link");
  EXPECT_FALSE(read_file(directory_ + "/link").has_value());
  EXPECT_FALSE(read_file(directory_).has_value());
  EXPECT_FALSE(read_file(directory_ + "/x", 4).has_value());
  EXPECT_TRUE(read_file(directory_ + "/x", 5).has_value());
}

}  // namespace
}  // namespace aegir
