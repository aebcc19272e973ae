#include "runtime/drivers/host/plan_file.h"

#include <algorithm>
#include <fstream>
#include <openssl/sha.h>
#include <sys/mman.h>

#include "runtime/plan/source.h"
#include "runtime/schema/explain.h"

namespace llmc::rt::host {

namespace {

llmc_status sha256(void *, const void *data, size_t size, uint8_t out[32]) {
  return SHA256(static_cast<const unsigned char *>(data), size, out)
             ? Status()
             : Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
}

llmc_platform makePlatform() {
  llmc_platform table = {};
  table.struct_size = sizeof(table);
  table.abi = LLMC_PLATFORM_ABI;
  table.sha256 = sha256;
  return table;
}

} // namespace

const llmc_platform &platform() {
  static const llmc_platform table = makePlatform();
  return table;
}

bool looksLikePlan(const std::string &path) {
  char magic[sizeof(fileMagic)] = {};
  std::ifstream file(path, std::ios::binary);
  return file.read(magic, sizeof(magic)) &&
         std::equal(magic, magic + sizeof(magic), fileMagic,
                    [](char a, uint8_t b) { return uint8_t(a) == b; });
}

namespace {

/// Who made the plan in these bytes, whatever its format: the root table keeps its first fields.
std::string producerOf(Span<const uint8_t> file, const FileHeader &header) {
  const std::string unknown = "an unknown llmc";
  // An offset from `at` on; 0 where it leads out of the file.
  const auto word = [&](uint64_t at) {
    return fits(at, 4, file.size) ? fb::load<uint32_t>(file.data + at) : 0;
  };
  const uint64_t root = header.planOffset + word(header.planOffset);
  const uint64_t vtable = root - uint64_t(int64_t(int32_t(word(root))));
  const uint64_t slot = vtable + 4 + 2 * uint64_t(fb::plan::producer);
  if (!fits(header.planOffset, 8, file.size) || !fits(slot, 2, file.size))
    return unknown;
  const uint64_t field = root + fb::load<uint16_t>(file.data + slot), text = field + word(field);
  const uint64_t size = word(text);
  if (field == root || size == 0 || size > 100 || !fits(text, 4 + size, file.size))
    return unknown;
  std::string name(reinterpret_cast<const char *>(file.data) + text + 4, size_t(size));
  const bool readable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return readable ? name : unknown;
}

std::string versionText(uint16_t major, uint16_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

/// What to say of a plan that is not for this runtime: who made it, and what to do.
std::string explainForeign(Status status, Span<const uint8_t> file) {
  FileHeader header = {};
  std::copy(file.data, file.data + std::min(file.size, sizeof(header)),
            reinterpret_cast<uint8_t *>(&header));
  const std::string producer = producerOf(file, header);
  if (status.code == LLMC_UNKNOWN_FEATURE)
    return explain(status) + "; made by " + producer +
           ": run it with that llmc, or compile the model again with this one";
  const bool newer = header.formatMajor != formatMajor ? header.formatMajor > formatMajor
                                                       : header.formatMinor > formatMinor;
  return "plan format " + versionText(header.formatMajor, header.formatMinor) + ", made by " +
         producer + "; this llmc reads " + versionText(formatMajor, formatMinor) +
         (newer ? ": run it with a newer llmc, or compile the model again with this one"
                : ": compile the model again with this one, or run it with the llmc that made it");
}

} // namespace

std::unique_ptr<const PlanFile> PlanFile::open(const std::string &path, std::string &error) {
  std::unique_ptr<PlanFile> result(new PlanFile);
  result->place = path;
  result->file = MappedFile::open(path, error);
  if (!result->file)
    return nullptr;
  if (std::string problem; !result->load(problem)) {
    error = "'" + path + "': " + problem;
    return nullptr;
  }
  return result;
}

bool PlanFile::load(std::string &problem) {
  source = memorySource(file->bytes().data, file->bytes().size);
  Status status = Plan::open(source, {}, &opened);
  if (status.ok())
    status = opened.checkRoot(platform());
  if (!status.ok()) {
    const bool isForeign = status.code == LLMC_BAD_VERSION || status.code == LLMC_UNKNOWN_FEATURE;
    problem = isForeign ? explainForeign(status, file->bytes()) : explain(status);
    return false;
  }
  return checkSegments(/*weights=*/false, problem);
}

bool PlanFile::checkWeights(std::string &error) const {
  std::string problem;
  if (checkSegments(/*weights=*/true, problem))
    return true;
  error = "'" + place + "': " + problem;
  return false;
}

/// Those that hold weights, or all others.
bool PlanFile::checkSegments(bool weights, std::string &problem) const {
  for (uint32_t i = 0; i < opened.segments().size; ++i)
    if ((opened.segments()[i].kind == SegmentKind::Weights) == weights && !checkSegment(i, problem))
      return false;
  return true;
}

bool PlanFile::checkSegment(uint32_t index, std::string &problem) const {
  Range differs;
  const Status status = opened.checkSegment(index, segment(index).data, platform(), &differs);
  if (status.ok())
    return true;
  problem = explain(status);
  if (status.code == LLMC_BAD_DIGEST)
    problem =
        describe(index, differs) + " do not match their digest; the file was changed or damaged";
  return false;
}

std::string PlanFile::describe(uint32_t index, Range part) const {
  const Segment &record = opened.segments()[index];
  const Text name = opened.text(record.name);
  const auto range = [](uint64_t begin, uint64_t end) {
    return std::to_string(begin) + " to " + std::to_string(end - 1);
  };
  return "segment " + std::to_string(index) + " '" + std::string(name.data, name.size) +
         "', bytes " + range(part.begin, part.end) + " of it (" +
         range(record.offset + part.begin, record.offset + part.end) + " of the file)";
}

std::string PlanFile::describeDigest(uint32_t digest) const {
  for (uint32_t i = 0; i < opened.segments().size; ++i) {
    const Segment &record = opened.segments()[i];
    if (record.digest == none32 || digest < record.digest)
      continue;
    const uint64_t chunk = record.chunkLog2 ? uint64_t(1) << record.chunkLog2 : record.size,
                   begin = (digest - record.digest) * chunk;
    if (begin < record.size)
      return describe(i, {begin, std::min(begin + chunk, record.size)});
  }
  return {};
}

Span<const uint8_t> PlanFile::segment(uint32_t index) const {
  const Segment &record = opened.segments()[index];
  return {file->bytes().data + record.offset, size_t(record.size)};
}

RegionMemory::~RegionMemory() {
  for (const llmc_memory &memory : owned)
    ::munmap(memory.base, size_t(memory.size));
}

bool RegionMemory::prepare(const Plan &plan, std::string &error) {
  for (uint32_t region = 0; region < plan.regions().size; ++region)
    if (!place(plan, region, error))
      return false;
  return true;
}

bool RegionMemory::place(const Plan &plan, uint32_t region, std::string &error) {
  const Region &record = plan.regions()[region];
  Text name = plan.text(record.name);
  const auto fail = [&](const std::string &what) {
    error = "the plan's region '" + std::string(name.data, name.size) + "' needs " +
            std::to_string(record.size) + " bytes of memory: " + what;
    return false;
  };
  const void *inPlace = nullptr;
  if (record.lifetime == Lifetime::Constant && plan.mapRegion(region, &inPlace).ok()) {
    memories.push_back({const_cast<void *>(inPlace), record.size});
    return true;
  }
  // Room to move the base to the region's alignment, or to that of the large pages it may fill.
  uint64_t align = uint64_t(1) << record.alignLog2;
  if (record.size >= hugePageBytes)
    align = std::max<uint64_t>(align, hugePageBytes);
  uint64_t bytes = std::max<uint64_t>(record.size, 1) + align;
  void *base = bytes > record.size && bytes <= SIZE_MAX
                   ? ::mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                   : MAP_FAILED;
  if (base == MAP_FAILED)
    return fail("the system refuses them; free memory, raise the limit of this process, or compile "
                "the model with a smaller --context");
  owned.push_back({base, bytes});
  uintptr_t aligned = (reinterpret_cast<uintptr_t>(base) + align - 1) & ~(uintptr_t(align) - 1);
  memories.push_back({reinterpret_cast<void *>(aligned), record.size});
  preferHugePages(memories.back().base, size_t(record.size));
  if (record.lifetime == Lifetime::Constant)
    if (Status status = plan.loadRegion(region, memories.back(), &platform()); !status.ok())
      return fail(explain(status));
  return true;
}

} // namespace llmc::rt::host
