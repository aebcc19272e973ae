#include "compiler/Report/CompileReport.h"

#include "compiler/Report/WeightReport.h"
#include "compiler/Support/PeakMemory.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace llmc {

namespace {

/// Memory of the machine behind a region of the plan, by the region's name.
const target::Memory &memoryOf(const std::string &region, const target::Machine &machine) {
  const target::Placement &placement = machine.placement;
  if (region == "sram")
    return machine.sram();
  if (region == "state" || region == "pages")
    return *machine.memory(placement.state);
  if (region == "io")
    return *machine.memory(placement.io);
  if (region == "scratch" || region == "activations")
    return *machine.memory(placement.scratch);
  return region == "paged_weights" ? *machine.memory(placement.weights) : machine.constants();
}

std::string nameOf(const rt::Region &region, const PlanDescription &plan) {
  return region.name < plan.text.size() ? plan.text.c_str() + region.name : "";
}

json regionsOf(const PlanDescription &plan, const target::Machine &machine) {
  json regions = json::array();
  for (const rt::Region &region : plan.regions) {
    std::string name = nameOf(region, plan);
    const target::Memory &memory = memoryOf(name, machine);
    regions.push_back({{"name", name},
                       {"bytes", region.size},
                       {"memory", memory.name},
                       {"capacity_bytes", memory.bytes}});
  }
  return regions;
}

double ratio(uint64_t peak, uint64_t bound) { return bound ? double(peak) / double(bound) : 1.0; }

json entriesOf(const std::vector<EntryEstimate> &estimates) {
  json entries = json::array();
  for (const EntryEstimate &entry : estimates) {
    json cycles = {{"load", entry.engineCycles[0]},
                   {"store", entry.engineCycles[1]},
                   {"tensor", entry.engineCycles[2]},
                   {"vector", entry.engineCycles[3]}};
    entries.push_back(
        {{"name", entry.name},
         {"kind", entry.kind},
         {"rows", entry.rows},
         {"sram_bytes", entry.sramBytes},
         {"sram_live_bytes", entry.liveBytes},
         {"sram_prefetch_bytes", entry.prefetchBytes},
         {"sram_held_bytes", entry.heldBytes},
         {"sram_peak_over_live", ratio(entry.sramBytes - entry.prefetchBytes, entry.liveBytes)},
         {"sram_peak_over_held", ratio(entry.sramBytes, entry.heldBytes)},
         {"blob_bytes", entry.blobBytes},
         {"commands", entry.commands},
         {"page_reads", entry.pageReads},
         {"page_bytes", entry.pageBytes},
         {"commands_during_reads", entry.overlapped},
         {"engine_cycles", cycles},
         {"bound_cycles", *std::ranges::max_element(entry.engineCycles)}});
  }
  return entries;
}

json leftOutOf(const std::vector<npu::LeftOut> &entries) {
  json list = json::array();
  for (const npu::LeftOut &entry : entries)
    list.push_back({{"name", entry.entry}, {"reason", entry.reason}});
  return list;
}

json countOf(const KernelCount &count) {
  return {{"kernels", count.kernels}, {"kernel_runs", count.runs}};
}

json placementOf(const PlanDevices &asked, const PlacementSummary &placement) {
  json own = countOf(placement.own), fallback = countOf(placement.fallback),
       reasons = json::array();
  own["machine"] = asked.own.machine->name;
  fallback["machine"] = asked.fallback ? json(asked.fallback->machine->name) : json();
  for (const PlacementSummary::Reason &reason : placement.reasons) {
    reasons.push_back(countOf(reason.count));
    reasons.back()["reason"] = reason.text;
  }
  return {{"target", own}, {"fallback", fallback}, {"reasons", reasons}};
}

} // namespace

static json phasesOf(const std::vector<PhaseTime> &phases) {
  json list = json::array();
  for (const PhaseTime &phase : phases)
    list.push_back({{"name", phase.name}, {"seconds", phase.seconds}});
  return list;
}

std::vector<MemoryUse> memoryUse(const PlanDescription &plan, const target::Machine &machine) {
  std::vector<MemoryUse> uses;
  for (const rt::Region &region : plan.regions) {
    std::string name = nameOf(region, plan);
    const target::Memory &memory = memoryOf(name, machine);
    auto use = std::find_if(uses.begin(), uses.end(),
                            [&](const MemoryUse &known) { return known.memory == memory.name; });
    if (use == uses.end())
      use = uses.insert(uses.end(), MemoryUse{memory.name, "", 0, memory.bytes});
    use->bytes += region.size;
    use->regions += (use->regions.empty() ? "" : ", ") + name;
  }
  return uses;
}

std::string compileReport(const CompileFacts &facts) {
  json report = {{"model", facts.options->model},
                 {"target", facts.machine->name},
                 {"quantization", facts.recipe},
                 {"context", facts.contextLength},
                 {"regions", regionsOf(facts.plan->description, *facts.machine)},
                 {"entries", entriesOf(facts.plan->entries)},
                 {"placement", placementOf(*facts.asked, *facts.placement)},
                 {"left_out", leftOutOf(facts.leftOut)},
                 {"compulsory_weight_bytes_per_token", facts.compulsoryWeightBytes},
                 {"kv_bytes_per_position", facts.kvBytesPerPosition},
                 {"plan_file_bytes", facts.written->fileBytes},
                 {"plan_flatbuffer_bytes", facts.written->planBytes},
                 {"formats", formatsReport(facts.weights)},
                 {"weights", weightsReport(facts.weights)},
                 {"raising", json::parse(facts.raised->toJson())},
                 {"warnings", facts.warnings},
                 {"phases", phasesOf(facts.phases)},
                 {"compile_seconds", facts.seconds},
                 {"peak_rss_bytes", peakRssBytes()}};
  return report.dump(2) + "\n";
}

} // namespace llmc
