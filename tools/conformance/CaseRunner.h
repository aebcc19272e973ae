// Runs a plan of cases on its device and compares every byte with the reference.
#pragma once

#include "runtime/exec/session.h"
#include "tools/conformance/CasePlan.h"
#include "tools/llmc/Device.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmc::conformance {

/// Memory of a region with guards on both sides.
class GuardedRegion {
public:
  GuardedRegion(uint64_t bytes, uint32_t alignment);
  uint8_t *data() { return begin; }
  bool intact() const;

private:
  static constexpr size_t guardBytes = 4096;
  std::vector<uint8_t> storage;
  uint8_t *begin;
  uint64_t bytes;
};

class CaseRunner {
public:
  /// Null where there is no device for the plan here, with the reason, or, with `broken` set, where
  /// the plan cannot be opened on it. The cases outlive the runner.
  static std::unique_ptr<CaseRunner> create(CasePlan plan, const std::vector<PackedCase> &cases,
                                            const DeviceRegistry &devices,
                                            const DeviceOptions &options, std::string &noDevice,
                                            std::optional<Broken> &broken);

  /// Every call of a case, twice. Nothing, or what went wrong first.
  std::optional<Broken> run(size_t index);
  /// The instruction set that ran.
  std::string isa() const { return device->isa(); }

private:
  CaseRunner(CasePlan plan, const std::vector<PackedCase> &cases)
      : plan(std::move(plan)), cases(cases) {}
  bool open(const DeviceRegistry &devices, const DeviceOptions &options, std::string &noDevice,
            std::optional<Broken> &broken);
  bool bind(std::optional<Broken> &broken);
  rt::Status fill(size_t index, const CaseCall &call);
  std::optional<Broken> runOnce(size_t index, const CaseCall &call);
  std::optional<Broken> compare(size_t index, const std::vector<std::vector<uint8_t>> &expected);
  std::optional<Broken> checkGuards();
  std::string explain(rt::Status status) const;

  CasePlan plan;
  const std::vector<PackedCase> &cases;
  std::vector<uint8_t> bytes;
  std::vector<uint64_t> resident;
  rt::Plan opened;
  std::vector<GuardedRegion> regions;
  std::vector<llmc_memory> memories;
  std::unique_ptr<Device> device;
  rt::Session session;
  std::vector<uint8_t> constants; ///< Weights as they must stay.
};

} // namespace llmc::conformance
