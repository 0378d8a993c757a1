#include "tests/live/harness/map_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <stdexcept>

#include "compiler/core/atomic_file.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::live {

namespace {

constexpr std::uint32_t kKeyId = 1;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

MapFixture::MapFixture() {
  must(write_file(key_file(), KeyRing::generate(kKeyId), {.mode = 0600, .durable = false, .replace = true}));
  keys_ = must(KeyRing::read(key_file()));
  if (mkdir(directory().c_str(), 0755) != 0) throw std::runtime_error(directory() + ": can't be made");
  const Fd file(open((directory() + "/counter").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  void* page = MAP_FAILED;
  if (file && ftruncate(file.get(), map::kCounterSize) == 0) {
    page = mmap(nullptr, map::kCounterSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  }
  if (page == MAP_FAILED) throw std::runtime_error(directory() + "/counter: can't be made");
  counter_ = static_cast<std::uint64_t*>(page);
}

MapFixture::~MapFixture() { munmap(counter_, map::kCounterSize); }

void MapFixture::seal(map::SiteRecord& site, const map::Credentials& credentials) const {
  site.key_id = kKeyId;
  site.sealed = keys_.seal(site.host, map::encode(credentials));
}

void MapFixture::publish(const MapContent& content) {
  map::FileInfo info;
  info.registry_id.fill(0x42);
  info.generation = ++generation_;
  info.key_id = kKeyId;
  info.console = content.console;
  map::Writer writer = must(map::Writer::create({directory(), false, 0644}, info, content.platforms));
  std::map<std::string, std::function<Result<void>()>> units;  // the writer takes them in the order of their keys
  for (const auto& site : content.sites) units[site.key] = [&] { return writer.add(site); };
  for (const auto& pass : content.passes) units[pass.key] = [&] { return writer.add(pass); };
  for (const auto& [key, add] : units) must(add());
  const map::Written base = must(writer.finish());
  must(write_file(directory() + "/CURRENT", map::format_current({info.registry_id, generation_, base.name, {}}),
                  {.mode = 0644, .durable = false, .replace = true}));
  std::atomic_ref(*counter_).fetch_add(1);
}

}  // namespace aegir::live
