// A plan with one entry for each case, as the compiler would write it for these kernels.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "targets/Interface/Target.h"
#include "tools/conformance/Case.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::conformance {

/// A target's answer that broke its contract: the function, and what was wrong.
struct Broken {
  std::string function, reason;
};

/// A case whose weights have been packed.
struct PackedCase {
  const Case *data = nullptr;
  std::vector<uint8_t> weights; ///< Empty where it has none.
  uint64_t rowsBytes = 0;       ///< Of packed activations; 0: they are read as they are.
};

/// Where a case's operands lie: offsets in the region of weights or of the other operands.
struct PlacedCase {
  std::vector<uint64_t> offsets;
  uint64_t end = 0; ///< Of the on-chip memory that its program uses.
};

struct CasePlan {
  PlanDescription description;
  std::vector<PlacedCase> placed;
};

/// Regions of such a plan.
enum CaseRegion : uint16_t { codeRegion, weightsRegion, stateRegion, operandRegion, scratchRegion };

/// Bytes of on-chip memory that the case's operands take; 0 where kernels address every memory.
uint64_t onChipBytes(const target::Machine &machine, const PackedCase &data);

/// The case as a program: everything loaded, one command, results stored.
target::Program programOf(const PackedCase &data, const PlacedCase &placed);

/// The case's kernels in the order of their dispatch: packing where there is any, then itself.
std::vector<target::KernelRequest> requestsOf(const PackedCase &data, const std::string &name);

/// Asks the target for the code of every case. Nothing, with `broken` set, where it does not answer
/// as it must.
std::optional<CasePlan> planOf(const target::Target &target, const target::Machine &machine,
                               const target::Variant &variant, const std::vector<PackedCase> &cases,
                               const target::HostServices &host, Broken &broken);

} // namespace llmc::conformance
