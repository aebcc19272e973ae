#include "test/unit/runtime/plan_fixture.h"

#include <stdexcept>

namespace llmc::test {

using namespace llmc::rt;

namespace {

uint32_t mix(uint32_t x) {
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  x ^= x >> 12;
  x *= 0x297A2D39u;
  return x ^ (x >> 15);
}

uint32_t embeddingWord(uint32_t token, uint32_t j) { return mix(token * 64 + j + 1); }

/// One layer on one row: its KV row, then a sum over all visible rows.
uint32_t kvWord(uint32_t hidden, uint32_t layer, uint32_t j) { return mix(hidden + layer * 7 + j); }
uint32_t contribution(uint32_t kv, uint32_t position) { return mix(kv ^ position) + 1; }
float logit(const uint32_t *hidden, uint32_t v) {
  uint32_t sum = v;
  for (uint32_t j = 0; j < width; ++j)
    sum = mix(sum ^ hidden[j]);
  return float(sum & 0xFFFF) / 256 - 100;
}

std::vector<uint8_t> embedding() {
  std::vector<uint8_t> bytes(vocab * rowBytes);
  for (uint32_t t = 0; t < vocab; ++t)
    for (uint32_t j = 0; j < width; ++j) {
      uint32_t word = embeddingWord(t, j);
      std::memcpy(&bytes[t * rowBytes + 4 * j], &word, 4);
    }
  return bytes;
}

enum OperandIndex : uint16_t {
  tableOperand,
  kvLayer,
  kvTile,
  hidden16,
  logits4,
  localTile,
  ids16,
  ids4,
  ids1,
  hidden4,
  hidden1,
  logits1,
  localSums
};
enum KernelIndex : uint16_t { writeKv, clearSums, addTile, finishLayer, headKernel };

class Builder {
public:
  PlanDescription d;

  uint32_t args(std::initializer_list<uint16_t> list) {
    d.args.insert(d.args.end(), list);
    return uint32_t(d.args.size() - list.size());
  }
  void emit(StepOp op, uint32_t a = 0, uint32_t b = 0, uint8_t queue = 0) {
    d.steps.push_back({op, queue, uint16_t(a), b});
  }
  /// A step with operands.
  void emit(StepOp op, uint32_t a, std::initializer_list<uint16_t> list, uint8_t queue = 0) {
    emit(op, a, args(list), queue);
  }
  void dispatch(uint16_t kernel, std::initializer_list<uint16_t> list) {
    emit(StepOp::Dispatch, kernel, list);
  }
  void body(const char *name, EntryKind kind, uint32_t chunk, uint16_t ids, uint16_t hidden);
  void head(const char *name, uint32_t rows, uint16_t logits);
  void records();
  void segments();
  void operands();
  void params();
  void units();
};

TensorDescription tensor(const char *name, TensorRole role, DType type, std::vector<uint32_t> dims,
                         uint16_t operand) {
  TensorDescription t;
  t.name = name;
  t.role = role;
  t.dtype = type;
  t.dims = std::move(dims);
  t.operand = operand;
  return t;
}

void Builder::body(const char *name, EntryKind kind, uint32_t chunk, uint16_t ids,
                   uint16_t hidden) {
  EntryDescription entry;
  entry.name = name;
  entry.kind = kind;
  entry.chunk = chunk;
  entry.posMax = std::min(context - 1, capacity - chunk);
  entry.firstStep = uint32_t(d.steps.size());
  emit(StepOp::Mark, chunk);
  emit(StepOp::Gather, 1, {tableOperand, ids, hidden});
  emit(StepOp::CacheClean, 0, {hidden});
  uint32_t layer = uint32_t(d.steps.size());
  emit(StepOp::LoopBegin, nLayers, layer + 9, pLayer);
  dispatch(writeKv, {hidden16, kvLayer});
  dispatch(clearSums, {localSums});
  uint32_t tile = uint32_t(d.steps.size());
  emit(StepOp::LoopParam, pTiles, tile + 3, pTile);
  emit(StepOp::Dma, 0, {kvTile, localTile});
  dispatch(addTile, {localTile, localSums, hidden16});
  emit(StepOp::LoopEnd, 0, tile);
  emit(StepOp::Wait, 1);
  dispatch(finishLayer, {localSums, hidden16});
  emit(StepOp::LoopEnd, 0, layer);
  emit(StepOp::Yield);
  emit(StepOp::Barrier);
  emit(StepOp::KvCommit);
  emit(StepOp::CacheInvalidate, 0, {hidden});
  emit(StepOp::End);
  entry.nSteps = uint32_t(d.steps.size()) - entry.firstStep;
  entry.inputs = {tensor("ids", TensorRole::Ids, DType::I32, {chunk}, ids)};
  entry.outputs = {tensor("hidden", TensorRole::Hidden, DType::I32, {chunk, width}, hidden)};
  entry.nStates = 1;
  entry.targetMask = 1;
  entry.vocab = vocab;
  d.entries.push_back(entry);
}

void Builder::head(const char *name, uint32_t rows, uint16_t logits) {
  EntryDescription entry;
  entry.name = name;
  entry.kind = EntryKind::Head;
  entry.chunk = rows;
  entry.firstStep = uint32_t(d.steps.size());
  dispatch(headKernel, {hidden16, logits});
  emit(StepOp::Barrier);
  emit(StepOp::CacheInvalidate, 0, {logits});
  emit(StepOp::End);
  entry.nSteps = 4;
  entry.outputs = {tensor("logits", TensorRole::Logits, DType::F32, {rows, vocab}, logits)};
  entry.targetMask = 1;
  entry.rowParam = pRow;
  entry.rowMax = 16 - rows;
  entry.vocab = vocab;
  d.entries.push_back(entry);
}

void Builder::records() {
  auto region = [&](const char *name, RegionKind kind, Lifetime life, uint8_t access,
                    uint64_t size) {
    d.regions.push_back({size, d.intern(name), 0, 6, kind, life, access});
  };
  constexpr uint8_t all = cpuReads | cpuWrites | deviceReads | deviceWrites;
  region("flash", RegionKind::FlashXip, Lifetime::Constant, cpuReads | deviceReads,
         128 + vocab * rowBytes);
  region("dram", RegionKind::Dram, Lifetime::Session, all | cpuCached, nLayers * layerBytes);
  region("sram", RegionKind::Sram, Lifetime::Call, all, 64 + 256 + 4 * 4 * vocab);
  region("local", RegionKind::NpuLocal, Lifetime::Scratch, deviceReads | deviceWrites, 128 + 256);

  segments();
  params();
  operands();
  units();
}

void Builder::segments() {
  SegmentDescription code;
  code.kind = SegmentKind::Kernel;
  code.name = "kernels";
  code.region = flashRegion;
  std::vector<uint8_t> blob(128);
  for (size_t i = 0; i < blob.size(); ++i)
    blob[i] = uint8_t(i);
  code.source = segmentFromBytes(blob);
  SegmentDescription weights;
  weights.name = "embedding";
  weights.region = flashRegion;
  weights.regionOffset = 128;
  weights.source = segmentFromBytes(embedding());
  d.segments = {code, weights};
}

void Builder::operands() {
  constexpr uint8_t rw = LLMC_READ | LLMC_WRITE;
  const Stride layer = {pLayer, layerBytes}, tile[] = {layer, {pTile, tileRows * rowBytes}};
  d.operands = {d.operand(flashRegion, 128, vocab * rowBytes, LLMC_READ),
                d.operand(dramRegion, 0, layerBytes, rw, {&layer, 1}),
                d.operand(dramRegion, 0, tileRows * rowBytes, LLMC_READ, tile),
                d.operand(sramRegion, 64, 256, rw),
                d.operand(sramRegion, 320, 4 * 4 * vocab, LLMC_WRITE),
                d.operand(localRegion, 0, 128, rw),
                d.operand(sramRegion, 0, 64, LLMC_READ),
                d.operand(sramRegion, 0, 16, LLMC_READ),
                d.operand(sramRegion, 0, 4, LLMC_READ),
                d.operand(sramRegion, 64, 64, rw),
                d.operand(sramRegion, 64, 16, rw),
                d.operand(sramRegion, 320, 4 * vocab, LLMC_WRITE),
                d.operand(localRegion, 128, 256, rw)};
}

void Builder::params() {
  auto param = [&](uint32_t max, ParamKind kind, uint8_t a = none8, uint32_t imm = 0,
                   uint8_t b = none8) { d.params.push_back({max, imm, kind, a, b, 0}); };
  param(context - 1, ParamKind::Input);
  param(16, ParamKind::Input);
  param(context, ParamKind::KvLen);
  param(15, ParamKind::Input);                                      // row
  param(nLayers - 1, ParamKind::Loop);                              // layer
  param(capacity / tileRows - 1, ParamKind::Loop);                  // tile
  param(context / tileRows, ParamKind::CeilDiv, pLength, tileRows); // tiles
  param(capacity - tileRows, ParamKind::Shl, pTile, 3);             // first row of the tile
  param(context, ParamKind::Sub, pLength, 0, pStart);               // rows from there on
  param(tileRows, ParamKind::Min, pRest, tileRows);                 // of them in this tile
}

void Builder::units() {
  for (uint32_t k = 0; k < 5; ++k) {
    static constexpr uint8_t nArgs[] = {2, 1, 3, 2, 2};
    d.blobs.push_back({16 * k, 16, 0, 0});
    d.kernels.push_back({4, 100, 0, uint8_t(k), nArgs[k]});
  }
  d.queues = {{0, 3}};
  d.rows = {{rowBytes, tileRows, rowBytes, rowBytes, pValid, 0, 0},
            {rowBytes, vocab, rowBytes, rowBytes, none8, 0, 0}};
  State state = {};
  state.maxTokens = capacity;
  state.tokenStride = rowBytes;
  state.headStride = rowBytes;
  state.layerStride = layerBytes;
  state.layoutHash = 0x1234;
  state.region = dramRegion;
  state.layers = nLayers;
  state.heads = 1;
  state.headDim = width;
  state.scaleState = none16;
  state.role = StateRole::Key;
  state.dtype = DType::I32;
  d.states = {state};
}

} // namespace

PlanDescription languageModel() {
  Builder builder;
  builder.d.targets.push_back({"scripted", "test", "", 1, 0, Sha256{1, 2, 3}});
  builder.records();
  builder.body("prefill16", EntryKind::Prefill, 16, ids16, hidden16);
  builder.body("prefill4", EntryKind::Prefill, 4, ids4, hidden4);
  builder.body("decode", EntryKind::Decode, 1, ids1, hidden1);
  builder.head("head1", 1, logits1);
  builder.head("head4", 4, logits4);
  ModelDescription model;
  model.name = "toy";
  model.vocabSize = vocab;
  model.contextLength = context;
  model.eosIds = {2, 3};
  model.digest = Sha256{9};
  builder.d.model = model;
  return builder.d;
}

std::vector<uint8_t> planBytes(const PlanDescription &description) {
  std::vector<uint8_t> bytes;
  PlanWriterResult result = writePlan(description, bytes);
  if (!result)
    throw std::runtime_error(result.error);
  return bytes;
}

void installModel(ScriptedDevice &device) {
  using S = ScriptedDevice::Submission;
  auto words = [](const llmc_operand_view &view) { return static_cast<uint32_t *>(view.base); };
  device.kernels[writeKv] = [=](const S &s) {
    for (uint32_t r = 0; r < s.params[pTokens]; ++r)
      for (uint32_t j = 0; j < width; ++j)
        words(s.operands[1])[(s.params[pPos] + r) * width + j] =
            kvWord(words(s.operands[0])[r * width + j], s.params[pLayer], j);
  };
  device.kernels[clearSums] = [=](const S &s) {
    std::memset(s.operands[0].base, 0, s.operands[0].size);
  };
  device.kernels[addTile] = [=](const S &s) {
    for (uint32_t r = 0; r < s.params[pTokens]; ++r)
      for (uint32_t t = 0; t < s.params[pValid]; ++t) {
        uint32_t position = s.params[pStart] + t;
        for (uint32_t j = 0; position <= s.params[pPos] + r && j < width; ++j)
          words(s.operands[1])[r * width + j] +=
              contribution(words(s.operands[0])[t * width + j], position);
      }
  };
  device.kernels[finishLayer] = [=](const S &s) {
    for (uint32_t r = 0; r < 16; ++r)
      for (uint32_t j = 0; j < width; ++j) {
        uint32_t &h = words(s.operands[1])[r * width + j];
        // Padding must never be observed: make it differ from run to run.
        h = r < s.params[pTokens] ? mix(h ^ words(s.operands[0])[r * width + j]) : h * 3 + 77;
      }
  };
  device.kernels[headKernel] = [=](const S &s) {
    uint32_t rows = uint32_t(s.operands[1].size / (4 * vocab));
    for (uint32_t r = 0; r < rows; ++r)
      for (uint32_t v = 0; v < vocab; ++v)
        static_cast<float *>(s.operands[1].base)[r * vocab + v] =
            logit(words(s.operands[0]) + (s.params[pRow] + r) * width, v);
  };
}

std::vector<float> expectedLogits(const std::vector<int32_t> &tokens) {
  std::vector<uint32_t> kv[nLayers];
  uint32_t hidden[width] = {};
  for (uint32_t position = 0; position < tokens.size(); ++position) {
    for (uint32_t j = 0; j < width; ++j)
      hidden[j] = embeddingWord(uint32_t(tokens[position]), j);
    for (uint32_t layer = 0; layer < nLayers; ++layer) {
      for (uint32_t j = 0; j < width; ++j)
        kv[layer].push_back(kvWord(hidden[j], layer, j));
      for (uint32_t j = 0; j < width; ++j) {
        uint32_t sum = 0;
        for (uint32_t t = 0; t <= position; ++t)
          sum += contribution(kv[layer][t * width + j], t);
        hidden[j] = mix(hidden[j] ^ sum);
      }
    }
  }
  std::vector<float> logits;
  for (uint32_t v = 0; v < vocab; ++v)
    logits.push_back(logit(hidden, v));
  return logits;
}

std::vector<int32_t> someTokens(uint32_t n, uint32_t seed) {
  std::vector<int32_t> tokens;
  for (uint32_t i = 0; i < n; ++i)
    tokens.push_back(int32_t(mix(seed * 1000 + i) % vocab));
  return tokens;
}

} // namespace llmc::test
