#include "tools/conformance/CaseRunner.h"

#include "compiler/Emit/PlanWriter.h"
#include "runtime/drivers/host/plan_file.h"
#include "runtime/plan/source.h"
#include "runtime/schema/explain.h"
#include "targets/Reference/Difference.h"
#include "tools/llmc/PlanRunner.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

static constexpr uint8_t guardValue = 0xa5;

GuardedRegion::GuardedRegion(uint64_t bytes, uint32_t alignment)
    : storage(bytes + 2 * guardBytes + alignment, guardValue), bytes(bytes) {
  const auto at = reinterpret_cast<uintptr_t>(storage.data()) + guardBytes;
  begin = storage.data() + guardBytes + (alignment - at % alignment) % alignment;
}

bool GuardedRegion::intact() const {
  const auto isGuard = [](uint8_t byte) { return byte == guardValue; };
  return std::all_of(storage.data(), static_cast<const uint8_t *>(begin), isGuard) &&
         std::all_of(static_cast<const uint8_t *>(begin) + bytes, storage.data() + storage.size(),
                     isGuard);
}

std::unique_ptr<CaseRunner> CaseRunner::create(CasePlan plan, const std::vector<PackedCase> &cases,
                                               const DeviceRegistry &devices,
                                               const DeviceOptions &options, std::string &noDevice,
                                               std::optional<Broken> &broken) {
  std::unique_ptr<CaseRunner> runner(new CaseRunner(std::move(plan), cases));
  if (!runner->open(devices, options, noDevice, broken))
    return nullptr;
  return runner;
}

bool CaseRunner::open(const DeviceRegistry &devices, const DeviceOptions &options,
                      std::string &noDevice, std::optional<Broken> &broken) {
  const auto fail = [&](const std::string &function, const std::string &reason) {
    broken = {function, reason};
    return false;
  };
  const PlanWriterResult written = writePlan(plan.description, bytes);
  if (!written)
    return fail("emit", "its code makes no valid plan: " + written.error);
  resident.resize((written.planBytes + 7) / 8 + 1);
  const llmc_source source = rt::memorySource(bytes.data(), bytes.size());
  const rt::Status status = rt::Plan::open(
      source, {reinterpret_cast<uint8_t *>(resident.data()), resident.size() * 8}, &opened);
  if (!status.ok())
    return fail("emit", "its code makes no valid plan: " + rt::explain(status));
  device = devices.create(opened, options, noDevice);
  return device && bind(broken);
}

bool CaseRunner::bind(std::optional<Broken> &broken) {
  for (const rt::Region &region : opened.regions())
    regions.emplace_back(region.size, 1u << region.alignLog2);
  for (size_t i = 0; i < regions.size(); ++i)
    memories.push_back({regions[i].data(), opened.regions()[i].size});
  for (const rt::Segment &segment : opened.segments())
    if (segment.region != rt::none16)
      std::memcpy(regions[segment.region].data() + segment.regionOffset,
                  bytes.data() + segment.offset, segment.size);
  const uint8_t *weights = regions[weightsRegion].data();
  constants.assign(weights, weights + opened.regions()[weightsRegion].size);
  const llmc_device *tables[] = {&device->table()};
  rt::Bindings bindings;
  bindings.memories = {memories.data(), memories.size()};
  bindings.devices = {tables, 1};
  bindings.platform = &rt::host::platform();
  const rt::Status status = session.bind(opened, bindings);
  if (!status.ok())
    broken = {"load", explain(status)};
  return status.ok();
}

std::string CaseRunner::explain(rt::Status status) const {
  const std::string detail = device->error();
  return rt::explain(status) + (detail.empty() ? "" : ": " + detail);
}

rt::Status CaseRunner::fill(size_t index, const CaseCall &call) {
  const Case &data = *cases[index].data;
  for (size_t i = 0; i < data.operands.size(); ++i)
    if (int(i) != data.weightsOperand() && !data.memory[i].empty())
      std::memcpy(regions[operandRegion].data() + plan.placed[index].offsets[i],
                  data.memory[i].data(), data.memory[i].size());
  return session.adopt(call.position);
}

std::optional<Broken> CaseRunner::runOnce(size_t index, const CaseCall &call) {
  if (const rt::Status status = session.reset(); !status.ok())
    return Broken{"reset", explain(status)};
  if (const rt::Status status = fill(index, call); !status.ok())
    return Broken{"run", explain(status)};
  device->clearFigures();
  rt::Call run;
  run.entry = uint32_t(index);
  run.nTokens = call.tokens;
  if (const rt::Status status = session.run(run); !status.ok())
    return Broken{"run", explain(status)};
  const std::optional<DeviceFigures> figures = device->figures();
  if (figures && figures->sramPeakBytes > plan.placed[index].end)
    return Broken{"run", fmt::format("used {} bytes of on-chip memory, its program states {}",
                                     figures->sramPeakBytes, plan.placed[index].end)};
  return checkGuards();
}

std::optional<Broken> CaseRunner::checkGuards() {
  for (size_t i = 0; i < regions.size(); ++i)
    if (!regions[i].intact())
      return Broken{"run", fmt::format("wrote outside region '{}'",
                                       toString(opened.text(opened.regions()[i].name)))};
  if (!std::equal(constants.begin(), constants.end(), regions[weightsRegion].data()))
    return Broken{"run", "wrote over its weights"};
  return std::nullopt;
}

std::optional<Broken> CaseRunner::compare(size_t index,
                                          const std::vector<std::vector<uint8_t>> &expected) {
  const Case &data = *cases[index].data;
  for (size_t i = 0; i < data.operands.size(); ++i) {
    const uint8_t *at = regions[operandRegion].data() + plan.placed[index].offsets[i];
    const ElementType type = data.operands[i].type;
    if (int(i) == data.weightsOperand())
      continue;
    if (const auto difference = firstDifference(type, {at, expected[i].size()}, expected[i]))
      return Broken{"run",
                    fmt::format("operand {}, element {}: {}, expected {}{}", i, difference->element,
                                hexOf(difference->got, difference->bytes),
                                hexOf(difference->expected, difference->bytes),
                                data.writes(i) ? "" : "; it is not written")};
  }
  return std::nullopt;
}

std::optional<Broken> CaseRunner::run(size_t index) {
  const Case &data = *cases[index].data;
  for (const CaseCall &call : data.calls) {
    const auto expected = data.expected(call);
    for (int time = 0; time < 2; ++time) {
      std::optional<Broken> broken = runOnce(index, call);
      if (!broken)
        broken = compare(index, expected);
      if (!broken)
        continue;
      if (data.calls.size() > 1)
        broken->reason =
            fmt::format("position {}, {} tokens: {}", call.position, call.tokens, broken->reason);
      if (time > 0)
        broken->reason += ", though the first run was right";
      return broken;
    }
  }
  return std::nullopt;
}

} // namespace llmc::conformance
