#include "compiler/Emit/PlanDescription.h"

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

uint32_t PlanDescription::intern(const std::string &text) {
  if (text.empty())
    return rt::none32;
  for (size_t i = 0; i < strings.size(); ++i)
    if (strings[i] == text)
      return static_cast<uint32_t>(i);
  strings.push_back(text);
  return static_cast<uint32_t>(strings.size() - 1);
}

/// Descriptions may be broken on purpose; then the plan's verifier says so.
static bool gathersPages(const PlanDescription &d, const rt::Step &gather) {
  if (gather.a >= d.args.size() || d.args[gather.a] >= d.operands.size())
    return false;
  const uint16_t region = d.operands[d.args[gather.a]].region;
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
