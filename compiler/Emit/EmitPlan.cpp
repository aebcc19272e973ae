#include "compiler/Emit/EmitPlan.h"

#include "compiler/Emit/EmitDebug.h"
#include "compiler/Emit/EmitFile.h"
#include "compiler/Emit/EmitWeights.h"

#include "mlir/IR/Verifier.h"

#include <algorithm>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

class PlanEmitter {
public:
  PlanEmitter(ModuleOp module, const PlanDevices &devices, const PlanInputs &inputs,
              const target::HostServices &host, std::string &error)
      : module(module), devices(devices), inputs(inputs), host(host), error(error) {}

  std::optional<EmittedPlan> run() {
    auto files = module.getOps<plan::FileOp>();
    if (!llvm::hasSingleElement(files)) {
      error = "internal error: the module needs one plan.file; run llmc-lower-npu-to-plan first";
      return std::nullopt;
    }
    plan::FileOp file = *files.begin();
    std::optional<EncodedKernels> kernels = encodeKernels(file, devices, host, error);
    if (!kernels)
      return std::nullopt;
    for (plan::SegmentOp segment : file.records<plan::SegmentOp>())
      if (!addSource(segment, *kernels))
        return std::nullopt;
    completeSizes(file);
    if (failed(verify(file))) {
      error = "internal error: the plan contradicts itself once its kernels are encoded";
      return std::nullopt;
    }
    return EmittedPlan{emitFile(file, sources), std::move(kernels->estimates)};
  }

private:
  static bool isPaged(plan::SegmentOp segment) {
    auto region = cast<plan::RegionOp>(
        SymbolTable::lookupSymbolIn(segment->getParentOp(), segment.getRegionAttr()));
    return region.getKind() == plan::RegionKind::FlashPaged;
  }

  std::shared_ptr<SegmentSource> sourceOf(plan::SegmentOp segment, EncodedKernels &kernels) {
    switch (segment.getKind()) {
    case plan::SegmentKind::Kernel:
      return segmentFromBytes(std::move(kernels.code[segment.getSymNameAttr()]));
    case plan::SegmentKind::Weights:
      return weightsSegment(module, isPaged(segment), devices, error);
    case plan::SegmentKind::Tokenizer:
      return segmentFromBytes(inputs.tokenizer);
    case plan::SegmentKind::Debug: {
      uint64_t capacity = uint64_t(npu::TargetAttr::of(module).getSramBytes());
      std::string debug = describeDebug(module, segment->getParentOfType<plan::FileOp>(), capacity);
      return segmentFromBytes({debug.begin(), debug.end()});
    }
    default:
      error = fmt::format("internal error: nothing fills a segment of kind '{}'",
                          stringifySegmentKind(segment.getKind()).str());
      return nullptr;
    }
  }

  bool addSource(plan::SegmentOp segment, EncodedKernels &kernels) {
    std::shared_ptr<SegmentSource> source = sourceOf(segment, kernels);
    if (!source)
      return false;
    if (segment.getSize() && *segment.getSize() != source->size()) {
      error = fmt::format("internal error: segment '{}' was planned with {} bytes and has {}",
                          segment.getSymName().str(), *segment.getSize(), source->size());
      return false;
    }
    segment.setSize(source->size());
    sources[segment.getSymNameAttr()] = std::move(source);
    return true;
  }

  /// What had no size is as long as what it holds.
  static void completeSizes(plan::FileOp file) {
    llvm::DenseMap<StringAttr, uint64_t> segmentBytes, regionEnd;
    auto extend = [&](FlatSymbolRefAttr region, uint64_t end) {
      uint64_t &known = regionEnd[region.getAttr()];
      known = std::max(known, end);
    };
    for (plan::SegmentOp segment : file.records<plan::SegmentOp>()) {
      segmentBytes[segment.getSymNameAttr()] = *segment.getSize();
      if (segment.getRegion())
        extend(segment.getRegionAttr(), segment.getOffset().value_or(0) + *segment.getSize());
    }
    for (plan::BufferOp buffer : file.records<plan::BufferOp>()) {
      if (!buffer.getSize())
        buffer.setSize(buffer.getSegment() ? segmentBytes.lookup(buffer.getSegmentAttr().getAttr())
                                           : 0);
      extend(buffer.getRegionAttr(), buffer.getOffset() + *buffer.getSize());
    }
    for (plan::RegionOp region : file.records<plan::RegionOp>())
      if (!region.getSize())
        region.setSize(regionEnd.lookup(region.getSymNameAttr()));
  }

  ModuleOp module;
  const PlanDevices &devices;
  const PlanInputs &inputs;
  const target::HostServices &host;
  std::string &error;
  SegmentSources sources;
};

} // namespace

std::optional<EmittedPlan> emitPlan(ModuleOp module, const PlanDevices &devices,
                                    const PlanInputs &inputs, const target::HostServices &host,
                                    std::string &error) {
  return PlanEmitter(module, devices, inputs, host, error).run();
}

} // namespace llmc
