#include "targets/Llvm/Layout/ChainPhases.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

namespace {

class Cutter {
public:
  Cutter(const VectorChain &chain, const std::vector<KernelOperand> &operands, std::string &error,
         uint64_t stackBytes)
      : chain(chain), operands(operands), error(error), stackBytes(stackBytes),
        stored(operands.size()) {}

  std::optional<ChainPhases> run() {
    kinds = chainKinds(chain, error);
    if (kinds.empty())
      return std::nullopt;
    if (chain.subRows == 0) {
      error = "subRows must be at least 1";
      return std::nullopt;
    }
    for (size_t index = 0; index < chain.steps.size(); ++index)
      if (traitsOf(chain.steps[index].step).operand && !checkOperand(index))
        return std::nullopt;
    choosePhases();
    return chooseBuffers() ? std::optional(result) : std::nullopt;
  }

private:
  bool broken(size_t index, const std::string &what) {
    error = fmt::format("step {}: {}", index, what);
    return false;
  }

  bool checkOperand(size_t index) {
    const ChainStep &step = chain.steps[index];
    if (step.operand >= operands.size())
      return broken(index, fmt::format("operand {} does not exist", step.operand));
    if (!takesElement(step.step, operands[step.operand].type))
      return broken(index,
                    fmt::format("operand {} is of a type this step does not take", step.operand));
    if (isStore(step.step))
      stored[step.operand] = true;
    else if (stored[step.operand])
      return broken(index,
                    fmt::format("operand {} was stored before; use the value", step.operand));
    return true;
  }

  void choosePhases() {
    result.steps.resize(chain.steps.size());
    for (size_t index = 0; index < chain.steps.size(); ++index) {
      const ChainStep &step = chain.steps[index];
      ChainPhases::Info &info = result.steps[index];
      info.vector = kinds[index] == ValueKind::Vector;
      const uint8_t from[] = {step.a, step.b};
      for (unsigned i = 0; i < inputCount(step.step); ++i) {
        const ChainPhases::Info &input = result.steps[from[i]];
        info.phase =
            std::max(info.phase, input.phase + traitsOf(chain.steps[from[i]].step).reduces);
      }
      if (traitsOf(step.step).reduces || step.step == Step::StoreMatrix)
        result.loops = std::max(result.loops, info.phase + 1);
    }
  }

  /// The last loop that needs the value of each vector step, directly or to compute another.
  std::vector<uint32_t> lastUses() const {
    std::vector<uint32_t> last(chain.steps.size(), 0);
    for (size_t index = chain.steps.size(); index-- > 0;) {
      const ChainStep &step = chain.steps[index];
      const bool root = traitsOf(step.step).reduces || step.step == Step::StoreMatrix;
      if (!root && !result.steps[index].vector)
        continue;
      last[index] = std::max(last[index], result.steps[index].phase);
      const uint8_t from[] = {step.a, step.b};
      for (unsigned i = 0; i < inputCount(step.step); ++i)
        last[from[i]] = std::max(last[from[i]], last[index]);
    }
    return last;
  }

  bool chooseBuffers() {
    const std::vector<uint32_t> last = lastUses();
    uint32_t firstStore = UINT32_MAX;
    for (size_t index = 0; index < chain.steps.size(); ++index)
      if (chain.steps[index].step == Step::StoreMatrix)
        firstStore = std::min(firstStore, result.steps[index].phase);
    const uint64_t rowBytes = (uint64_t(chain.columns.value) + 15) / 16 * 64;
    uint64_t bytes = 0;
    // A store may have overwritten what was loaded.
    for (size_t index = 0; index < chain.steps.size(); ++index)
      if (result.steps[index].vector && isLoad(chain.steps[index].step) &&
          last[index] > firstStore) {
        result.steps[index].buffered = true;
        bytes += rowBytes;
      }
    if (bytes > stackBytes) {
      error =
          fmt::format("rows of {} columns that are needed after a store take {} bytes of stack, "
                      "the limit is {}; store in a chain of its own",
                      chain.columns.value, bytes, stackBytes);
      return false;
    }
    // Long sequences are worth keeping while there is room.
    for (size_t index = 0; index < chain.steps.size(); ++index) {
      ChainPhases::Info &info = result.steps[index];
      if (info.vector && traitsOf(chain.steps[index].step).function && last[index] > info.phase &&
          bytes + rowBytes <= stackBytes) {
        info.buffered = true;
        bytes += rowBytes;
      }
    }
    return true;
  }

  const VectorChain &chain;
  const std::vector<KernelOperand> &operands;
  std::string &error;
  const uint64_t stackBytes;
  std::vector<bool> stored;
  std::vector<ValueKind> kinds;
  ChainPhases result;
};

} // namespace

std::optional<ChainPhases> cutChain(const VectorChain &chain,
                                    const std::vector<KernelOperand> &operands, std::string &error,
                                    uint64_t stackBytes) {
  return Cutter(chain, operands, error, stackBytes).run();
}

} // namespace llmc::target
