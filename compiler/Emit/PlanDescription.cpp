#include "compiler/Emit/PlanDescription.h"

#include <algorithm>
#include <cstring>

#include "runtime/plan/params.h"

namespace llmc {
namespace {

class SpanSource : public SegmentSource {
public:
  explicit SpanSource(std::span<const uint8_t> bytes) : bytes(bytes) {}
  uint64_t size() const override { return bytes.size(); }
  bool produce(const ByteSink &sink, std::string &) const override { return sink(bytes); }

private:
  std::span<const uint8_t> bytes;
};

class OwnedSource : public SegmentSource {
public:
  explicit OwnedSource(std::vector<uint8_t> bytes) : bytes(std::move(bytes)) {}
  uint64_t size() const override { return bytes.size(); }
  bool produce(const ByteSink &sink, std::string &) const override { return sink(bytes); }

private:
  std::vector<uint8_t> bytes;
};

class ProducedSource : public SegmentSource {
public:
  ProducedSource(uint64_t bytes, std::function<bool(const ByteSink &, std::string &)> function)
      : bytes(bytes), function(std::move(function)) {}
  uint64_t size() const override { return bytes; }
  bool produce(const ByteSink &sink, std::string &error) const override {
    return function(sink, error);
  }

private:
  uint64_t bytes;
  std::function<bool(const ByteSink &, std::string &)> function;
};

} // namespace

std::shared_ptr<SegmentSource> segmentFromBytes(std::vector<uint8_t> bytes) {
  return std::make_shared<OwnedSource>(std::move(bytes));
}

std::shared_ptr<SegmentSource> segmentFromSpan(std::span<const uint8_t> bytes) {
  return std::make_shared<SpanSource>(bytes);
}

std::shared_ptr<SegmentSource>
segmentFromProducer(uint64_t size, std::function<bool(const ByteSink &, std::string &)> produce) {
  return std::make_shared<ProducedSource>(size, std::move(produce));
}

uint16_t intern(std::string &text, const std::string &name) {
  if (name.empty())
    return rt::none16;
  // With the zero behind it: a name may be the end of another.
  size_t at = text.find(name.c_str(), 0, name.size() + 1);
  if (at == std::string::npos) {
    at = text.size();
    text.append(name.c_str(), name.size() + 1);
  }
  return static_cast<uint16_t>(at);
}

rt::Operand PlanDescription::operand(uint16_t region, uint64_t offset, uint64_t extent,
                                     uint8_t access, std::span<const Stride> strides) {
  constexpr uint64_t low = 0xFFFFFFFFu;
  rt::Move move{};
  move.offset = offset & ~low;
  if (extent > low)
    move.extent = (extent - 1) & ~(low >> 1); // which leaves at least 1 and less than 2^32
  for (unsigned k = 0; k < 3; ++k) {
    move.param[k] = k < strides.size() ? strides[k].param : rt::none8;
    move.stride[k] = k < strides.size() ? strides[k].bytes : 0;
  }
  rt::Operand record{uint32_t(offset & low), uint32_t(extent - move.extent), region, access,
                     rt::none8};
  if (move.offset == 0 && move.extent == 0 && strides.empty())
    return record;
  auto same = [&](const rt::Move &other) { return !std::memcmp(&other, &move, sizeof(move)); };
  auto found = std::find_if(moves.begin(), moves.end(), same);
  record.move = static_cast<uint8_t>(found - moves.begin());
  if (found == moves.end())
    moves.push_back(move);
  return record;
}

/// Descriptions may be broken on purpose; then the plan's verifier says so.
static bool gathersPages(const PlanDescription &d, const rt::Step &gather) {
  if (gather.b >= d.args.size() || d.args[gather.b] >= d.operands.size())
    return false;
  const uint16_t region = d.operands[d.args[gather.b]].region;
  return region < d.regions.size() && d.regions[region].kind == rt::RegionKind::FlashPaged;
}

uint64_t requiredFeatures(const PlanDescription &description) {
  uint64_t features = 0;
  for (const rt::Param &param : description.params)
    if (rt::isDerived(param))
      features |= rt::featureDerivedParams;
  for (const rt::Step &step : description.steps)
    switch (step.op) {
    case rt::StepOp::LoopBegin:
    case rt::StepOp::LoopParam:
      features |= rt::featureLoops;
      break;
    case rt::StepOp::Dma:
      features |= rt::featureDma;
      break;
    case rt::StepOp::Prefetch:
      features |= rt::featurePrefetch;
      break;
    case rt::StepOp::Gather:
      features |= rt::featureGather;
      if (gathersPages(description, step))
        features |= rt::featurePrefetch;
      break;
    case rt::StepOp::HostCall:
      features |= rt::featureHostCall;
      break;
    case rt::StepOp::CacheClean:
    case rt::StepOp::CacheInvalidate:
      features |= rt::featureCache;
      break;
    case rt::StepOp::KvCommit:
      features |= rt::featureKvCommit;
      break;
    default:
      break;
    }
  return features;
}

} // namespace llmc
