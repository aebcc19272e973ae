// A small language model as a plan, a device that runs it, and the same model written down
// directly.
//
// The model is integer arithmetic on 4 words per row, so that every result depends on every earlier
// token and on nothing else. Its two layers run in a loop; attention walks the KV in tiles of 8
// rows by derived parameters.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/Emit/PlanWriter.h"
#include "runtime/exec/session.h"
#include "runtime/plan/source.h"

namespace llmc::test {

inline constexpr uint32_t vocab = 24;
inline constexpr uint32_t width = 4; // words per row
inline constexpr uint32_t rowBytes = 4 * width;
inline constexpr uint32_t nLayers = 2;
inline constexpr uint32_t context = 40;
inline constexpr uint32_t capacity = 48; // the context rounded up to the largest chunk
inline constexpr uint32_t tileRows = 8;
inline constexpr uint32_t layerBytes = capacity * rowBytes;

enum RegionIndex : uint16_t { flashRegion, dramRegion, sramRegion, localRegion };
enum EntryIndex : uint32_t { prefill16, prefill4, decode1, head1, head4 };
enum ParamIndex : uint8_t {
  pPos,
  pTokens,
  pLength,
  pRow,
  pLayer,
  pTile,
  pTiles,
  pStart,
  pRest,
  pValid
};

/// The plan described above.
PlanDescription languageModel();
/// Paged weights, and in a loop: a page of an odd size at an odd place, and three rows by the ids
/// that stand at `pagedIds` of region 2. The host is called with both.
PlanDescription pagesAndRows();
inline constexpr size_t pagedBytes = 5 * 1024 + 300, pagedChunk = 1024, pagedIds = 3000;
/// Byte i of its paged weights.
inline uint8_t pagedByte(size_t i) { return uint8_t(i * 7 + (i >> 8) * 31); }

std::vector<uint8_t> planBytes(const PlanDescription &description);

/// Bytes at an address that is a multiple of `align`, exactly as many as asked for.
class Memory {
public:
  explicit Memory(size_t size, size_t align = 64);
  ~Memory();
  Memory(Memory &&other) noexcept;
  Memory(const Memory &) = delete;
  uint8_t *data() const { return bytes; }
  size_t size() const { return count; }
  static Memory of(const std::vector<uint8_t> &from);
  llmc_memory view() const { return {bytes, count}; }

private:
  uint8_t *bytes;
  size_t count;
};

/// As bind takes them.
inline std::vector<llmc_memory> viewsOf(const std::vector<Memory> &memories) {
  std::vector<llmc_memory> views;
  for (const Memory &memory : memories)
    views.push_back(memory.view());
  return views;
}

/// A device under the test's control. Work runs when poll finds it due, so that nothing is done too
/// early by chance.
class ScriptedDevice {
public:
  struct Submission {
    uint32_t queue, kernel, tag;
    std::vector<llmc_operand_view> operands;
    std::vector<uint32_t> params;
    bool isDma = false;
    llmc_dma_request dma = {};
    const void *code = nullptr;
    size_t codeSize = 0;
    uint32_t entry = 0;
  };
  using Kernel = std::function<void(const Submission &)>;

  ScriptedDevice();
  llmc_device table = {};
  std::map<uint32_t, Kernel> kernels; // by index; others only touch both ends of their operands
  std::vector<Submission> log;
  std::vector<std::string> calls;     // match, attach, load, reset, cancel, clean, invalidate
  uint32_t pendingPolls = 0;          // PENDING so often before each completion
  int failSubmit = -1, failPoll = -1; // fault at the nth of them
  bool hang = false;                  // never completes
  bool refuse = false;                // match says no
  uint32_t polls = 0, submits = 0;

private:
  static ScriptedDevice &self(void *ctx) { return *static_cast<ScriptedDevice *>(ctx); }
  llmc_status enqueue(Submission submission);
  void execute(const Submission &submission);
  std::map<uint32_t, std::deque<Submission>> queues;
  uint32_t pendingLeft = 0;
};

/// The language model's kernels on a device.
void installModel(ScriptedDevice &device);

/// Plan, memories of exactly the stated sizes, device and session.
class Machine {
public:
  explicit Machine(const PlanDescription &description);
  rt::Status bind(bool traced = true);
  Memory file;
  llmc_source source = {};
  rt::Plan plan;
  std::vector<Memory> memories;
  ScriptedDevice device;
  llmc_platform platform = {};
  llmc_trace trace = {};
  std::vector<std::string> events; // "step op phase"
  rt::Session session;
  uint32_t idles = 0;
};

/// Logits of the last of `tokens`, computed directly.
std::vector<float> expectedLogits(const std::vector<int32_t> &tokens);

std::vector<int32_t> someTokens(uint32_t n, uint32_t seed = 1);

} // namespace llmc::test
