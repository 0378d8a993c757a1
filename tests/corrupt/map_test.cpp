// A damaged site map: each file of a small one cut off at every byte, and with every bit flipped. Whatever is left of
// it is refused, or answers right, or says that it is broken; it never leads to a wrong site and never ends the
// process.
#include <unistd.h>

#include <cstdio>

#include "compiler/map/verify.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

/// Everything that a request can find out about a name.
std::string answer(const Snapshot& snapshot, const std::string& host, std::string_view token = {}) {
  SiteView site;
  const Lookup lookup = token.empty() ? snapshot.find_host(host, site) : snapshot.find_probe(token, host, 1000, site);
  if (lookup == Lookup::kUnknown) return "unknown";
  if (lookup == Lookup::kFault) return "fault";
  std::vector<char> memory(site.footprint());
  site.copy_to(memory.data());
  std::string text;
  for (const std::string_view field : {site.host, site.directory, site.socket, site.auth, site.former, site.sealed,
                                       site.platform_name, site.docroot, site.console, site.target}) {
    text += std::string(field) + "|";
  }
  for (const std::uint64_t number :
       {std::uint64_t{static_cast<std::uint8_t>(site.state)}, std::uint64_t{static_cast<std::uint8_t>(site.https)},
        std::uint64_t{static_cast<std::uint8_t>(site.cms)}, std::uint64_t{site.services},
        std::uint64_t{site.former_count}, std::uint64_t{site.platform_id}, std::uint64_t{site.key_id},
        std::uint64_t{site.memory_limit}, std::uint64_t{site.upload_max_filesize}, std::uint64_t{site.post_max_size},
        std::uint64_t{site.max_execution_time}, site.expiry, site.generation}) {
    text += std::to_string(number) + "|";
  }
  return text;
}

class CorruptMap : public MapDirectory {
 protected:
  CorruptMap() {
    info_.console = "https://console.example";
    SiteRecord shop = a_site("shop.example", {{"www.shop.example", "shop.example"}, {".shop.example", ""}});
    shop.target = "https://new.example";
    shop.auth = std::string(32, 'd') + "realm";
    const Written below =
        base({.sites = {shop, a_site("b.example", {{".b.example", ""}}), a_site("gone.example"),
                        a_candidate("candidate", "shop.example", 2000)},
              .passes = {{probe_key("pass"), "b.example", 2000}},
              .platforms = {{3, 3, Cms::kDrupal8, "d10", "/srv/d10/web"}, {4, 1, Cms::kDrupal7, "d7", "/srv/d7"}}});
    SiteRecord b = a_site("b.example", {{"b2.example", "b.example"}, {".b.example", ""}});
    b.platform_id = 4;
    const Written above = delta(below, {.sites = {b, a_site("new.example")},
                                        .tombstones = {"gone.example"},
                                        .platforms = {{4, 3, Cms::kDrupal7, "d7", "/srv/d7-moved"}}});
    files_ = {below.name, above.name, "CURRENT"};
    publish(current_of(below, &above));
    const auto snapshot = open_published(directory_, nullptr).value();
    for (const Question& question : kQuestions) right_.push_back(answer(*snapshot, question.host, question.token));
  }

  struct Question {
    const char* host;
    const char* token;
  };
  static constexpr std::array<Question, 14> kQuestions = {{{"shop.example", ""},
                                                           {"www.shop.example", ""},
                                                           {"x.shop.example", ""},
                                                           {"b.example", ""},
                                                           {"b2.example", ""},
                                                           {"y.x.b.example", ""},
                                                           {"new.example", ""},
                                                           {"gone.example", ""},
                                                           {"unknown.example", ""},
                                                           {"example", ""},
                                                           {"shop.example", "candidate"},
                                                           {"b.example", "candidate"},
                                                           {"b2.example", "pass"},
                                                           {"shop.example", "nonsense"}}};

  /// Opens what is published now and asks everything. Counts what came of it.
  void ask(const std::string& file, const std::string& damage) {
    ++states_;
    const auto snapshot = open_published(directory_, nullptr);
    if (!snapshot) {
      ++refused_;
      EXPECT_FALSE(snapshot.error().message.empty());
      EXPECT_NE(snapshot.error().place.file.find(directory_), std::string::npos) << describe(snapshot.error());
      return;
    }
    for (std::size_t i = 0; i < kQuestions.size(); ++i) {
      const std::string got = answer(**snapshot, kQuestions[i].host, kQuestions[i].token);
      if (got == "fault") {
        ++faults_;
      } else if (got == right_[i]) {
        ++right_answers_;
      } else {
        ADD_FAILURE() << file << ", " << damage << ": " << kQuestions[i].host << " leads to " << got << " instead of "
                      << right_[i];
      }
    }
    EXPECT_FALSE(verify_published(directory_).has_value()) << file << ", " << damage << " passes verify";
  }
  void report(const char* what) const {
    std::printf("%s: %zu damaged states, %zu refused; in the others %zu right answers, %zu faults\n", what, states_,
                refused_, right_answers_, faults_);
  }

  std::vector<std::string> files_, right_;
  std::size_t states_ = 0, refused_ = 0, faults_ = 0, right_answers_ = 0;
};

TEST_F(CorruptMap, TheQuestionsHaveAnswers) {
  std::size_t unknown = 0;
  for (const std::string& right : right_) {
    EXPECT_NE(right, "fault");
    unknown += right == "unknown" ? 1U : 0U;
  }
  EXPECT_EQ(unknown, 5U);
  EXPECT_TRUE(verify_published(directory_).has_value());
}

TEST_F(CorruptMap, CutOffAtEveryByte) {
  for (const std::string& file : files_) {
    const std::string whole = read_file(path(file)).value();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::ofstream(path(file), std::ios::binary | std::ios::trunc) << whole.substr(0, size);
      ask(file, "cut off at " + std::to_string(size));
    }
    std::ofstream(path(file), std::ios::binary | std::ios::trunc) << whole;
  }
  EXPECT_EQ(refused_, states_);
  report("cut off");
}

TEST_F(CorruptMap, EveryBitFlipped) {
  for (const std::string& file : files_) {
    const std::string whole = read_file(path(file)).value();
    const Fd fd(::open(path(file).c_str(), O_WRONLY | O_CLOEXEC));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        const char flipped = static_cast<char>(static_cast<unsigned char>(whole[at]) ^ (1U << bit));
        ASSERT_EQ(::pwrite(fd.get(), &flipped, 1, static_cast<off_t>(at)), 1);
        ask(file, "bit " + std::to_string(bit) + " of byte " + std::to_string(at));
      }
      ASSERT_EQ(::pwrite(fd.get(), &whole[at], 1, static_cast<off_t>(at)), 1);
    }
  }
  EXPECT_GT(refused_, 0U);
  EXPECT_GT(faults_, 0U);
  report("flipped");
}

TEST_F(CorruptMap, AFlippedBitUnderALiveWorkerNeverChangesAnAnswer) {
  // The worker has the files open already, as it would when memory or disk go bad under it.
  const auto snapshot = open_published(directory_, nullptr).value();
  for (const std::string& file : {files_[0], files_[1]}) {
    const std::string whole = read_file(path(file)).value();
    const Fd fd(::open(path(file).c_str(), O_WRONLY | O_CLOEXEC));
    const auto records = load<Header>(whole.data()).records_offset;
    for (std::size_t at = records; at < whole.size(); ++at) {
      const char flipped = static_cast<char>(whole[at] ^ 0x10);
      ASSERT_EQ(::pwrite(fd.get(), &flipped, 1, static_cast<off_t>(at)), 1);
      for (std::size_t i = 0; i < kQuestions.size(); ++i) {
        const std::string got = answer(*snapshot, kQuestions[i].host, kQuestions[i].token);
        ASSERT_TRUE(got == "fault" || got == right_[i]) << file << " byte " << at << ": " << got;
      }
      ASSERT_EQ(::pwrite(fd.get(), &whole[at], 1, static_cast<off_t>(at)), 1);
    }
  }
}

}  // namespace
}  // namespace aegir::map
