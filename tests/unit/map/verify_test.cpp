// What a file must be (verify.hpp), and how it shows (dump.hpp). Each wrong file here has right checksums, so that the
// rule itself is what refuses it.
#include "compiler/map/verify.hpp"

#include <gmock/gmock.h>
#include <sodium.h>

#include <functional>
#include <sstream>

#include "compiler/core/crc32c.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/dump.hpp"
#include "compiler/map/record_view.hpp"
#include "compiler/map/units.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

using ::testing::HasSubstr;

class MapVerify : public MapDirectory {
 protected:
  MapVerify() {
    SiteRecord site = a_site("shop.example", {{".w.shop.example", ""}, {"www.shop.example", "shop.example"}});
    site.auth = std::string(32, 'a') + "realm";
    written_ = base({.sites = {site, a_site("z.example"), a_candidate("c", "shop.example", 9)},
                     .passes = {{probe_key("p"), "shop.example", 9}}});
    bytes_ = read_file(path(written_.name)).value();
  }

  [[nodiscard]] Header& header(std::string& bytes) const { return *reinterpret_cast<Header*>(bytes.data()); }
  /// Offset of the record of `key`.
  [[nodiscard]] std::size_t record(const std::string& key) const {
    RecordView view;
    const auto file = opened(written_);
    EXPECT_EQ(file->find(file->hash(key), key, view), Lookup::kFound) << key;
    return static_cast<std::size_t>(view.bytes - file->bytes().data());
  }
  static void seal_record(std::string& bytes, std::size_t at) {
    const std::uint32_t crc = crc32c(bytes.data() + at + 4, load<std::uint32_t>(bytes.data() + at + 4) - 4);
    std::memcpy(bytes.data() + at, &crc, sizeof crc);
  }
  /// Makes every checksum but the records' right again, with the index as it was.
  void seal(std::string& bytes) const {
    Header& head = header(bytes);
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    head.tables_crc = crc32c(data + head.platforms_offset, head.records_offset - head.platforms_offset);
    for (std::uint32_t i = 0; i < head.bucket_count; ++i) {
      auto* bucket = reinterpret_cast<Bucket*>(bytes.data() + head.buckets_offset) + i;
      bucket->crc = crc32c(bucket, offsetof(Bucket, zero), i);
    }
    crypto_generichash(head.body_digest.data(), 32, data + sizeof(Header), bytes.size() - sizeof(Header), nullptr, 0);
    head.header_crc = crc32c(&head, offsetof(Header, header_crc));
  }
  /// What verify says about the base after `change`.
  std::string after(const std::function<void(std::string&)>& change) {
    std::string bytes = bytes_;
    change(bytes);
    seal(bytes);
    EXPECT_TRUE(write_file(path("changed"), bytes).has_value());
    const Result<Verified> verified = verify_file(path("changed"));
    return verified ? "right" : verified.error().message;
  }
  std::string after_record(const std::string& key, const std::function<void(char*)>& change) {
    return after([&](std::string& bytes) {
      change(bytes.data() + record(key));
      seal_record(bytes, record(key));
      use_content_hash(bytes);
    });
  }
  /// Gives the base the hash key that belongs to its changed content, and the index that belongs to that key.
  void use_content_hash(std::string& bytes) const {
    Header& head = header(bytes);
    std::array<unsigned char, 32> digest;
    crypto_generichash(digest.data(), digest.size(), reinterpret_cast<unsigned char*>(bytes.data()) + sizeof(Header),
                       head.buckets_offset - sizeof(Header), nullptr, 0);
    std::copy_n(digest.begin(), 16, head.hash_key.begin());
    std::memset(bytes.data() + head.buckets_offset, 0, bytes.size() - head.buckets_offset);
    auto* buckets = reinterpret_cast<Bucket*>(bytes.data() + head.buckets_offset);
    for (std::size_t at = head.records_offset; at + 16 < head.buckets_offset;) {
      const auto& record_head = in_place<RecordHead>(reinterpret_cast<unsigned char*>(bytes.data()) + at);
      if (record_head.size == 0) break;
      std::array<unsigned char, 8> hash;
      crypto_shorthash_siphash24(hash.data(),
                                 reinterpret_cast<unsigned char*>(bytes.data()) + at + key_offset(record_head.type),
                                 record_head.key_size, head.hash_key.data());
      std::uint32_t number = home_bucket(load<std::uint64_t>(hash.data()), head.bucket_count);
      while (buckets[number].records.back() != 0) number = (number + 1) % head.bucket_count;
      const auto slot =
          static_cast<std::size_t>(std::ranges::find(buckets[number].records, 0U) - buckets[number].records.begin());
      buckets[number].tags[slot] = hash_tag(load<std::uint64_t>(hash.data()));
      buckets[number].records[slot] = static_cast<std::uint32_t>(at / 8);
      at += record_head.size;
    }
  }
  [[nodiscard]] std::string at(const std::string& key) const { return "offset " + std::to_string(record(key)) + ": "; }

  Written written_;
  std::string bytes_;
};

TEST_F(MapVerify, RightFilesAreRight) {
  EXPECT_EQ(after([](std::string&) {}), "right");
  EXPECT_EQ(after([&](std::string& bytes) { use_content_hash(bytes); }), "right") << "the helper of these tests";
  const Result<Verified> verified = verify_file(path(written_.name));
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->generation, 100U);
  EXPECT_EQ(verified->names, 6U);
  EXPECT_EQ(verified->sites, 2U);
  EXPECT_EQ(verified->bytes, bytes_.size());
}

TEST_F(MapVerify, TheHeaderAndItsTables) {
  const auto set = [this](auto Header::* field, auto value) {
    return after([&](std::string& bytes) { header(bytes).*field = value; });
  };
  EXPECT_EQ(set(&Header::zero, 1U), "offset 140: a reserved field is not zero");
  EXPECT_EQ(set(&Header::base_generation, 99U), "offset 72: a base that belongs to another base");
  EXPECT_EQ(set(&Header::site_count, 3U), "offset 88: the number of sites is wrong");
  EXPECT_EQ(set(&Header::wildcard_depths, 4U), "offset 128: the depths of the wildcards are wrong");
  EXPECT_THAT(set(&Header::name_count, 5U), HasSubstr("more or fewer slots than names"));
  EXPECT_EQ(after([&](std::string& bytes) { header(bytes).zeros[67] = 1; }),
            "offset 184: a reserved field is not zero");
  EXPECT_EQ(after([&](std::string& bytes) { header(bytes).hash_key[0] ^= 1; }),
            "offset 48: the hash key was not made from the content");
  EXPECT_THAT(after([&](std::string& bytes) {
                bytes[256 + 5] = 9;
                use_content_hash(bytes);
              }),
              HasSubstr("offset 256: a platform with an unknown web service or CMS"));
  EXPECT_THAT(after([&](std::string& bytes) {
                bytes[written_.header.settings_offset - 1] = 1;
                use_content_hash(bytes);
              }),
              HasSubstr("offset 256: a platform's strings are not in their place"));
  EXPECT_THAT(after([&](std::string& bytes) {
                bytes[written_.header.records_offset - 1] = 1;
                use_content_hash(bytes);
              }),
              HasSubstr("bytes between settings and records"));
}

TEST_F(MapVerify, TheDigestCoversTheBody) {
  std::string bytes = bytes_;
  bytes.back() ^= 1;
  ASSERT_TRUE(write_file(path("changed"), bytes).has_value());
  EXPECT_EQ(verify_file(path("changed")).error().message, "offset 144: the digest of the body is wrong");
}

TEST_F(MapVerify, Records) {
  const auto set = [](std::size_t offset, char value) { return [=](char* record) { record[offset] = value; }; };
  const std::string site = "shop.example";
  EXPECT_THAT(after_record(site, set(10, 4)), HasSubstr("a site with an unknown state or https policy"));
  EXPECT_EQ(after_record(site, set(16, 4)), at(site) + "an unknown web service");
  EXPECT_EQ(after_record(site, set(17, 0)), at(site) + "the flags do not fit the credentials");
  EXPECT_EQ(after_record(site, set(18, 2)), at(site) + "the former uris are not what their number says");
  EXPECT_EQ(after_record(site, set(24, 1)), at(site) + "a site with an expiry");
  EXPECT_EQ(after_record(site, set(48, 1)), at(site) + "a reserved field is not zero");
  EXPECT_EQ(after_record(site, set(68, 1)), at(site) + "a reserved field is not zero");
  EXPECT_EQ(after_record(site, set(72 + 12, 'x')), at(site) + "the key is not one of this type");
  EXPECT_EQ(after_record(site, set(72 + 12, 'X')), at(site) + "the site's host is no canonical host name");
  for (const char* key : {"z.example", "www.shop.example"}) {
    EXPECT_EQ(after_record(key, [](char* record) { record[load<std::uint32_t>(record + 4) - 1] = 1; }),
              at(key) + "the padding is not zero or too long");
  }
  EXPECT_EQ(after_record(probe_key("p"), set(12, 1)), at(probe_key("p")) + "a reserved field is not zero");
  EXPECT_EQ(after_record(probe_key("p"), set(24 + 65, '/')),
            at(probe_key("p")) + "the key or host of the pass is none");
  EXPECT_THAT(after_record("www.shop.example", set(12, 1)), HasSubstr("an alias behind another site than its own"));
  EXPECT_THAT(after_record("www.shop.example", set(16, 'A')), HasSubstr("the alias is no canonical name"));
  EXPECT_THAT(after_record("www.shop.example", set(16, '-')), HasSubstr("an alias is out of order"));
  EXPECT_THAT(after_record("www.shop.example", set(8, 3)), HasSubstr("a tombstone in a base"));
  EXPECT_THAT(after_record("z.example", set(8, 6)), HasSubstr("a record of an unknown type"));
  EXPECT_THAT(after([&](std::string& bytes) {
                bytes[record("z.example") + 80] ^= 1;
                use_content_hash(bytes);
              }),
              HasSubstr(at("z.example") + "the checksum of the record is wrong"));
}

TEST_F(MapVerify, TheIndexLeadsToEveryName) {
  const auto buckets = [this](std::string& bytes) {
    return reinterpret_cast<Bucket*>(bytes.data() + written_.header.buckets_offset);
  };
  const auto first_used = [&](std::string& bytes) {
    Bucket* bucket = buckets(bytes);
    while (bucket->records[0] == 0) ++bucket;
    return bucket;
  };
  EXPECT_THAT(after([&](std::string& bytes) { ++first_used(bytes)->tags[0]; }),
              HasSubstr("the index does not lead to this record"));
  EXPECT_THAT(after([&](std::string& bytes) { first_used(bytes)->zero = 1; }),
              HasSubstr("a reserved field is not zero"));
  EXPECT_THAT(after([&](std::string& bytes) { first_used(bytes)->records[6] = 99; }),
              HasSubstr("a slot behind an empty one is used"));
  std::string bytes = bytes_;
  bytes[written_.header.buckets_offset] ^= 1;
  Header& head = header(bytes);
  crypto_generichash(head.body_digest.data(), 32, reinterpret_cast<unsigned char*>(bytes.data()) + 256,
                     bytes.size() - 256, nullptr, 0);
  head.header_crc = crc32c(&head, offsetof(Header, header_crc));
  ASSERT_TRUE(write_file(path("changed"), bytes).has_value());
  EXPECT_THAT(verify_file(path("changed")).error().message, HasSubstr("the checksum of the bucket is wrong"));
}

TEST_F(MapVerify, ADirectoryAndWhatItsFilesOweEachOther) {
  publish(current_of(written_));
  EXPECT_EQ(verify_published(directory_).value().names, 6U);
  const Written above =
      delta(written_, {.sites = {a_site("new.example")}, .tombstones = {"z.example"}, .platforms = {}});
  publish(current_of(written_, &above));
  const Result<Verified> verified = verify_published(directory_);
  ASSERT_TRUE(verified.has_value()) << describe(verified.error());
  EXPECT_EQ(verified->generation, 101U);
  EXPECT_EQ(verified->names, 6U);
  EXPECT_EQ(verified->sites, 2U);
  const Written left = delta(written_, {.tombstones = {"shop.example"}, .platforms = {}});
  publish(current_of(written_, &left));
  EXPECT_THAT(describe(verify_published(directory_).error()), HasSubstr("but not its alias '.w.shop.example'"));
  const Written lost = delta(written_, {.platforms = {{3, 0, Cms::kOther, "", ""}}});
  publish(current_of(written_, &lost));
  EXPECT_THAT(describe(verify_published(directory_).error()),
              HasSubstr("is on platform 3, which the map does not have"));
}

TEST_F(MapVerify, ADumpShowsWhatIsAnswered) {
  info_.console = "https://console.example";
  SiteRecord site = a_site("a.example", {{".a.example", "https://x"}, {"b.example", ""}});
  site.sealed.assign(60, 1);
  site.auth = std::string(32, 'a') + "A \"realm\"\n";
  site.former = {"f1.example", "f2.example"};
  SiteRecord plain = a_site("c.example");
  plain.sealed.clear();
  plain.former.clear();
  plain.socket.clear();
  plain.state = SiteState::kMaintenance;
  plain.https = Https::kRequired;
  plain.services = kServiceNginx;
  const Written written = base({.sites = {site, plain}, .passes = {{"!" + std::string(64, 'f'), "a.example", 9}}});
  const auto digest = [](std::string_view secret) { return to_hex(blake2b(secret)).substr(0, 32); };
  std::ostringstream out;
  ASSERT_TRUE(dump_snapshot(*snapshot(written), out).has_value());
  EXPECT_EQ(
      out.str(),
      "registry 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n"
      "generation 100\n"
      "key 7\n"
      "console https://console.example\n"
      "platform 3 d10 docroot /srv/d10/web cms drupal8 services apache,nginx\n"
      "pass !" +
          std::string(64, 'f') +
          " host a.example expiry 9\n"
          "site a.example state enabled https allowed services apache,nginx platform 3 directory a.example "
          "socket /run/fpm/a.example.sock target - former f1.example,f2.example "
          "auth " +
          digest(site.auth) + " realm \"A \\\"realm\\\"\\x0a\" php 256/64/64/120 key 7 sealed " +
          digest(std::string(60, 1)) +
          "\n"
          "alias *.a.example of a.example target https://x\n"
          "alias b.example of a.example target -\n"
          "site c.example state maintenance https required services nginx platform 3 directory c.example socket - "
          "target - former - auth - php 256/64/64/120 key 7 sealed -\n");
}

TEST_F(MapVerify, ADumpOfAFileShowsItsTombstonesAndOffsets) {
  const Written above = delta(written_, {.tombstones = {".x.example"}, .platforms = {{3, 0, Cms::kOther, "", ""}}});
  std::ostringstream out;
  ASSERT_TRUE(dump_file(*opened(above), out).has_value());
  EXPECT_THAT(out.str(), HasSubstr("file " + above.name + "\nformat 1\n"));
  EXPECT_THAT(out.str(), HasSubstr("\nbase generation 100\n"));
  EXPECT_THAT(out.str(), HasSubstr("\nplatform 3 gone\n"));
  EXPECT_THAT(out.str(), HasSubstr("\n" + std::to_string(above.header.records_offset) + " tombstone *.x.example\n"));
}

}  // namespace
}  // namespace aegir::map
