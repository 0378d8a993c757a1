// libFuzzer target: any bytes as a file of the site map. Opening it, every look-up, reading it from end to end and
// dumping it must neither crash nor read outside of it.
//
// Half of the inputs get their checksums made right first, so that the fuzzer comes to the code behind them.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/crc32c.hpp"
#include "compiler/map/dump.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/record_view.hpp"
#include "compiler/map/verify.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::map {
namespace {

/// Makes header, sections and the first records pass their checks, as far as the size allows.
void seal(std::string& bytes) {
  if (bytes.size() < sizeof(Header) + sizeof(Bucket)) return;
  auto header = load<Header>(bytes.data());
  header.magic = kMagic;
  header.version = kFormatVersion;
  header.header_size = sizeof(Header);
  header.kind = 1 + (header.kind & 1U);
  header.zero = 0;
  header.platforms_offset = sizeof(Header);
  bytes.resize(bytes.size() / sizeof(Bucket) * sizeof(Bucket));
  header.file_size = bytes.size();
  const std::uint64_t body = bytes.size() / sizeof(Bucket) - sizeof(Header) / sizeof(Bucket);
  header.bucket_count = static_cast<std::uint32_t>(1 + header.bucket_count % body);
  header.buckets_offset = bytes.size() - std::uint64_t{header.bucket_count} * sizeof(Bucket);
  const std::uint64_t space = header.buckets_offset - sizeof(Header);
  header.records_offset = sizeof(Header) + header.records_offset % (space + 1) / 8 * 8;
  header.settings_offset =
      sizeof(Header) + header.settings_offset % (header.records_offset - sizeof(Header) + 1) / 8 * 8;
  header.tables_crc = crc32c(bytes.data() + sizeof(Header), header.records_offset - sizeof(Header));
  for (std::uint64_t at = header.records_offset; at + kTombstoneHead <= header.buckets_offset;) {
    const std::uint64_t room = header.buckets_offset - at;
    std::uint32_t size = load<std::uint32_t>(bytes.data() + at + 4) / 8 * 8;
    if (size < kTombstoneHead || size > room) break;
    std::memcpy(bytes.data() + at + 4, &size, sizeof size);
    const std::uint32_t crc = crc32c(bytes.data() + at + 4, size - 4);
    std::memcpy(bytes.data() + at, &crc, sizeof crc);
    at += size;
  }
  for (std::uint32_t i = 0; i < header.bucket_count; ++i) {
    char* bucket = bytes.data() + header.buckets_offset + std::uint64_t{i} * sizeof(Bucket);
    const std::uint32_t crc = crc32c(bucket, offsetof(Bucket, zero), i);
    std::memcpy(bucket + offsetof(Bucket, crc), &crc, sizeof crc);
  }
  header.header_crc = crc32c(&header, offsetof(Header, header_crc));
  std::memcpy(bytes.data(), &header, sizeof header);
}

void look_up(const Snapshot& snapshot, std::string_view host) {
  SiteView site;
  if (snapshot.find_host(host, site) != Lookup::kFound) return;
  std::string memory(site.footprint(), '\0');
  site.copy_to(memory.data());
  (void)site.has_former(host);
}

void use(const std::string& path) {
  const auto file = MapFile::open(path);
  if (!file) return;
  const auto snapshot =
      (*file)->header().kind == 1 ? Snapshot::make(*file, nullptr) : Result<std::shared_ptr<const Snapshot>>();
  if ((*file)->header().kind == 1 && snapshot) {
    for (const char* host : {"a", "a.example", "shop.example", "x.y.shop.example", ""}) look_up(**snapshot, host);
    SiteView site;
    (void)(*snapshot)->find_probe("token", "shop.example", 1, site);
    std::ostringstream out;
    (void)dump_snapshot(**snapshot, out);
  }
  // Every name that the file says it has, also under a wrong hash.
  RecordView record;
  for (std::uint64_t hash = 0; hash < 64; ++hash) (void)(*file)->find(hash << 26U, "a", record);
  std::ostringstream out;
  (void)dump_file(**file, out);
  (void)verify_file(path);
}

const std::string& path() {
  static const std::string name = "/dev/shm/aegir-map-fuzz-" + std::to_string(::getpid());
  return name;
}

/// Puts a real base and a real delta into the corpus.
void seed(const std::string& corpus) {
  SiteRecord site;
  site.key = site.host = site.directory = "shop.example";
  site.platform_id = 1;
  site.auth = std::string(32, 'd') + "realm";
  site.former = {"old.example"};
  site.sealed.assign(60, 's');
  site.aliases = {{".shop.example", ""}, {"www.shop.example", "shop.example"}};
  SiteRecord candidate = site;
  candidate.key = probe_key("token");
  candidate.aliases.clear();
  candidate.expiry = 9;
  const PlatformRecord platform{1, 3, Cms::kDrupal8, "d10", "/srv/d10"};
  std::filesystem::create_directories(corpus);
  const Target target{.directory = corpus};
  Header below{};
  for (const bool delta : {false, true}) {
    auto writer = Writer::create(target, delta ? delta_of(below, 2) : FileInfo{}, {&platform, 1});
    bool written = writer && writer->add(candidate) && writer->add(site);
    if (delta) written = written && writer->add_tombstone("z.example");
    const auto file = written ? writer->finish() : Result<Written>(fail(Code::kInternal, "no seed"));
    if (!file) std::abort();
    below = file->header;
    const std::string name = corpus + "/" + file->name;
    const std::string bytes = read_file(name).value();
    for (const char* first : {"0", "1"}) {
      if (!write_file(name + first, first + bytes, {.durable = false})) std::abort();
    }
    std::filesystem::remove(name);
  }
}

}  // namespace
}  // namespace aegir::map

/// The first argument that is no option is the corpus; an empty one gets the seeds.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i) {
    const std::string argument = (*arguments)[i];
    if (argument.starts_with('-') || std::filesystem::is_regular_file(argument)) continue;
    if (!std::filesystem::exists(argument) || std::filesystem::is_empty(argument)) aegir::map::seed(argument);
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace aegir::map;
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1U) != 0) seal(bytes);
  (void)parse_current(bytes, "CURRENT");
  std::FILE* file = std::fopen(path().c_str(), "wb");
  if (file == nullptr) std::abort();
  (void)std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  use(path());
  (void)::unlink(path().c_str());
  return 0;
}
