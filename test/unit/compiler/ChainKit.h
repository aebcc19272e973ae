// A model compiled to a plan in memory, run on a device and compared with the reference evaluator.
#pragma once

#include "compiler/Emit/EmitPlan.h"
#include "runtime/lm/lm.h"
#include "test/unit/compiler/ChainFixture.h"

#include "mlir/IR/OwningOpRef.h"

#include <map>

namespace llmc::test {

/// The model of `shape`, parsed; random weights, always the same.
mlir::OwningOpRef<mlir::ModuleOp> chainModule(mlir::MLIRContext &context, const ChainShape &shape);

/// The plan of a model, opened. Lowers the module.
class CompiledPlan {
public:
  CompiledPlan(mlir::ModuleOp module, const PlanDevices &devices, const target::HostServices &host,
               const ChainShape &shape, uint64_t weightBudget = 0);
  const rt::Plan &plan() const { return opened; }
  const std::vector<uint8_t> &bytes() const { return file; }

private:
  std::vector<uint8_t> file;
  llmc_source source = {};
  rt::Plan opened;
};

/// By the plan's target.
using DeviceTables = std::map<uint32_t, const llmc_device *>;

/// A session of that plan on a device bound to one of the plan's targets.
class PlanSession {
public:
  PlanSession(const CompiledPlan &compiled, const llmc_device &device, uint32_t target = 0);
  /// `bytes` are those of the plan's file. What is paged gets no memory.
  PlanSession(const rt::Plan &plan, const std::vector<uint8_t> &bytes, const llmc_device &device,
              uint32_t target = 0)
      : PlanSession(plan, bytes, DeviceTables{{target, &device}}) {}
  PlanSession(const rt::Plan &plan, const std::vector<uint8_t> &bytes, const DeviceTables &tables);
  /// Logits of all ids, fed `chunk` at a time.
  std::vector<float> evaluate(const std::vector<int32_t> &ids, size_t chunk);
  /// The status of a call that fails, fed all ids at once. The session goes on from its start.
  rt::Status fail(const std::vector<int32_t> &ids);
  /// Where the bytes end, by region, that evaluations of all ids at once write.
  std::vector<uint64_t> writtenEnds(const std::vector<int32_t> &ids);

private:
  static constexpr uint64_t guard = 4096; // bytes behind each region that nothing may write
  bool isConstant(size_t region) const;

  std::vector<std::vector<uint64_t>> storage;
  std::vector<llmc_memory> memories;
  rt::Session session;
  rt::Lm lm;
};

/// As many ids as the context holds, and what the reference evaluator says of them.
std::vector<int32_t> chainIds(const ChainShape &shape);
std::vector<float> referenceLogits(mlir::ModuleOp module, const std::vector<int32_t> &ids);

/// Every region that is not constant is stated as it is used, to the byte.
void requireExactUse(const rt::Plan &plan, const std::vector<uint64_t> &writtenEnds);

/// Fails at the first logit of another bit pattern.
void requireSame(const std::vector<float> &actual, const std::vector<float> &expected,
                 int64_t vocabulary);

} // namespace llmc::test
