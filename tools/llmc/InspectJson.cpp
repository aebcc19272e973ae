#include "tools/llmc/DebugInfo.h"
#include "tools/llmc/Inspect.h"
#include "tools/llmc/InspectNames.h"

#include <fmt/format.h>

namespace llmc {

using Json = nlohmann::ordered_json;

namespace {

std::string textOf(rt::Text text) { return std::string(text.data, text.size); }

std::string regionName(const rt::Plan &plan, uint32_t region) {
  return region == rt::none16 ? "" : textOf(plan.text(plan.regions()[region].name));
}

Json describeTargets(const rt::Plan &plan) {
  Json list = Json::array();
  for (uint32_t t = 0; t < plan.nTargets(); ++t) {
    const llmc_target_info info = plan.target(t);
    list.push_back({{"backend", std::string(info.backend, info.backend_size)},
                    {"device", std::string(info.device, info.device_size)},
                    {"variant", std::string(info.variant, info.variant_size)},
                    {"abi", info.abi}});
  }
  return list;
}

Json describeModel(const rt::Plan &plan) {
  const rt::ModelView model = plan.model();
  if (!model)
    return nullptr;
  Json eos = Json::array();
  for (const int32_t id : model.eosIds())
    eos.push_back(id);
  return {{"name", textOf(model.name())},
          {"architecture", textOf(model.architecture())},
          {"quantization", textOf(model.quantization())},
          {"vocabulary", model.vocabSize()},
          {"context", model.contextLength()},
          {"hidden", model.hiddenSize()},
          {"layers", model.layers()},
          {"heads", model.heads()},
          {"kv_heads", model.kvHeads()},
          {"head_dim", model.headDim()},
          {"bos_id", model.bosId()},
          {"eos_ids", eos}};
}

Json describeRegions(const rt::Plan &plan) {
  Json list = Json::array();
  for (const rt::Region &region : plan.regions())
    list.push_back({{"name", textOf(plan.text(region.name))},
                    {"kind", nameOf(region.kind)},
                    {"lifetime", nameOf(region.lifetime)},
                    {"bytes", region.size},
                    {"alignment", uint64_t(1) << region.alignLog2}});
  return list;
}

Json describeSegments(const rt::Plan &plan) {
  Json list = Json::array();
  for (const rt::Segment &segment : plan.segments())
    list.push_back({{"name", textOf(plan.text(segment.name))},
                    {"kind", nameOf(segment.kind)},
                    {"file_offset", segment.offset},
                    {"bytes", segment.size},
                    {"region", regionName(plan, segment.region)}});
  return list;
}

Json describeTensor(const rt::TensorView &tensor) {
  Json dims = Json::array();
  for (const uint32_t dim : tensor.dims())
    dims.push_back(dim);
  return {{"name", textOf(tensor.name())},
          {"role", nameOf(tensor.role())},
          {"type", nameOf(tensor.dtype())},
          {"shape", dims}};
}

Json describeStep(const DebugInfo &debug, const rt::Step &step) {
  Json json = {{"op", nameOf(step.op)}};
  if (step.op == rt::StepOp::Dispatch)
    json["kernel"] = debug.kernelName(step.a);
  json["queue"] = step.queue;
  json["a"] = step.a;
  json["b"] = step.b;
  return json;
}

Json describeEntry(const rt::Plan &plan, const DebugInfo &debug, uint32_t index) {
  const rt::EntryView entry = plan.entry(index);
  Json json = {{"name", textOf(entry.name())}, {"kind", nameOf(entry.kind())},
               {"rows", entry.chunk()},        {"position_max", entry.posMax()},
               {"vocabulary", entry.vocab()},  {"estimated_cycles", debug.estimatedCycles(index)}};
  json["targets"] = json["inputs"] = json["outputs"] = json["steps"] = Json::array();
  for (uint32_t t = 0; t < plan.nTargets(); ++t)
    if (entry.targetMask() >> t & 1)
      json["targets"].push_back(t);
  for (uint32_t i = 0; i < entry.nInputs(); ++i)
    json["inputs"].push_back(describeTensor(entry.input(i)));
  for (uint32_t i = 0; i < entry.nOutputs(); ++i)
    json["outputs"].push_back(describeTensor(entry.output(i)));
  json["peak_bytes"] = Json::object();
  for (uint32_t r = 0; r < plan.regions().size; ++r) {
    const std::string name = regionName(plan, r);
    json["peak_bytes"][name] = debug.peakBytes(index, name, plan.regions()[r].size);
  }
  for (uint32_t s = 0; s < entry.nSteps(); ++s)
    json["steps"].push_back(describeStep(debug, plan.steps()[entry.firstStep() + s]));
  return json;
}

Json describeEntries(const rt::Plan &plan, const DebugInfo &debug) {
  Json list = Json::array();
  for (uint32_t e = 0; e < plan.nEntries(); ++e)
    list.push_back(describeEntry(plan, debug, e));
  return list;
}

std::string machineOf(const rt::Plan &plan, uint32_t target) {
  const llmc_target_info info = plan.target(target);
  const std::string machine(info.device, info.device_size),
      variant(info.variant, info.variant_size);
  return variant.empty() ? machine : machine + ", " + variant;
}

Json describeKernels(const rt::Plan &plan, const DebugInfo &debug) {
  Json list = Json::array();
  for (uint32_t k = 0; k < plan.kernels().size; ++k) {
    const rt::Kernel &kernel = plan.kernels()[k];
    list.push_back({{"name", debug.kernelName(k)},
                    {"target", plan.blobs()[kernel.blob].target},
                    {"machine", machineOf(plan, plan.blobs()[kernel.blob].target)},
                    {"bytes", plan.blobs()[kernel.blob].size},
                    {"estimated_cycles", kernel.estCycles}});
  }
  return list;
}

Json describeParams(const rt::Plan &plan) {
  Json list = Json::array();
  for (const rt::Param &param : plan.params()) {
    Json json = {{"kind", nameOf(param.kind)}, {"max", param.max}, {"imm", param.imm}};
    if (param.a != rt::none8)
      json["a"] = param.a;
    if (param.b != rt::none8)
      json["b"] = param.b;
    list.push_back(std::move(json));
  }
  return list;
}

Json describeStates(const rt::Plan &plan) {
  Json list = Json::array();
  for (const rt::State &state : plan.states())
    list.push_back({{"kind", nameOf(state.kind)},
                    {"role", nameOf(state.role)},
                    {"type", nameOf(state.dtype)},
                    {"tokens", state.maxTokens},
                    {"layers", state.layers},
                    {"heads", state.heads},
                    {"head_dim", state.headDim},
                    {"bytes", rt::stateBytes(state)}});
  return list;
}

} // namespace

Json describePlan(const rt::host::PlanFile &file) {
  const rt::Plan &plan = file.plan();
  const DebugInfo debug(file);
  const rt::FileHeader header = plan.header();
  Json json = {{"format", fmt::format("{}.{}", header.formatMajor, header.formatMinor)},
               {"producer", textOf(plan.producer())},
               {"file_bytes", file.fileBytes().size},
               {"plan_bytes", header.planSize},
               {"targets", describeTargets(plan)},
               {"model", describeModel(plan)},
               {"tokenizer", plan.segmentOf(rt::SegmentKind::Tokenizer) != rt::none16},
               {"context", plan.contextLength()},
               {"regions", describeRegions(plan)},
               {"segments", describeSegments(plan)},
               {"entries", describeEntries(plan, debug)},
               {"kernels", describeKernels(plan, debug)},
               {"parameters", describeParams(plan)},
               {"states", describeStates(plan)},
               {"metadata", debug.metadata()}};
  return json;
}

} // namespace llmc
