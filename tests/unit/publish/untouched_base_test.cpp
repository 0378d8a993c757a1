// A publish reads no record of the base and writes less than 1 MiB, whatever the fleet's size. The kernel counts: the
// records of the base are taken out of the tmpfs (a hole), and a page that anybody reads through a mapping would come
// back as a page of zeros.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "compiler/core/atomic_file.hpp"
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

constexpr int kSites = 20000;
constexpr long kTmpfsMagic = 0x01021994;

class Hole {
 public:
  /// Takes the whole pages of the records out of a map file.
  explicit Hole(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    const auto header = map::load<map::Header>(need(read_file(path)).data());
    const std::uint64_t begin = (header.records_offset + 4095) / 4096 * 4096;
    const std::uint64_t end = header.buckets_offset / 4096 * 4096;
    pages = (end - begin) / 4096;
    made = ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
                       static_cast<off_t>(end - begin)) == 0;
    blocks_ = blocks();
  }
  /// Pages of the hole that were read since.
  [[nodiscard]] std::uint64_t pages_read() const { return (blocks() - blocks_) / 8; }

  bool made = false;
  std::uint64_t pages = 0;

 private:
  [[nodiscard]] std::uint64_t blocks() const {
    struct stat status{};
    (void)::fstat(fd_.get(), &status);
    return static_cast<std::uint64_t>(status.st_blocks);  // of 512 bytes
  }
  Fd fd_;
  std::uint64_t blocks_ = 0;
};

TEST_F(PublishTest, APublishReadsNoRecordOfTheBaseAndWritesLessThanAMebibyte) {
  struct statfs where{};
  ASSERT_EQ(::statfs(place.root.c_str(), &where), 0);
  ASSERT_EQ(where.f_type, kTmpfsMagic) << "this test counts pages of a tmpfs; /dev/shm is none";
  change([](registry::Writer& writer) -> Result<void> {
    for (int i = 0; i < kSites; ++i) {
      const std::string uri = "s" + std::to_string(i) + ".example";
      if (Result<void> put = writer.put(a_site(uri, {"www." + uri})); !put) return put;
    }
    return {};
  });
  publish();
  new_publisher();  // as a program that has just started
  const Hole hole(place.config.map_dir + "/" + map::file_name(open_map(place.config.map_dir)->base().header()));
  ASSERT_TRUE(hole.made);
  ASSERT_GT(hole.pages, 1000U);
  std::uint64_t largest = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string uri = "s" + std::to_string(i * 61 % kSites) + ".example";
    switch (i % 4) {
      case 0:
        put(a_site(uri, {"www." + uri, "new" + std::to_string(i) + ".example"}));
        break;
      case 1:
        remove(a_site(uri));
        break;
      case 2:
        put(a_site("added" + std::to_string(i) + ".example"));
        break;
      default:
        change([&](registry::Writer& writer) {
          return writer.rename_site(uri, a_site("renamed" + std::to_string(i) + ".example", {uri}));
        });
    }
    const Report report = publish();
    ASSERT_EQ(report.wrote, Report::Wrote::kDelta) << report.reason;
    largest = std::max(largest, report.bytes);
  }
  EXPECT_EQ(hole.pages_read(), 0U) << "of " << hole.pages;
  EXPECT_LT(largest, 1U << 20U);

  // The counter counts: a worker that looks at one site of the base reads a page of the hole, and finds it broken.
  EXPECT_EQ(found(*live(), "s19999.example"), "fault");
  EXPECT_GT(hole.pages_read(), 0U);
}

}  // namespace
}  // namespace aegir::publish
