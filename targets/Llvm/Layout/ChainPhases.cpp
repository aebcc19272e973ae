#include "targets/Llvm/Layout/ChainPhases.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace llmc::target {

bool isReduction(Step step) {
  return step == Step::SumLanes || step == Step::MaxVisible || step == Step::AbsMax;
}

bool isLoad(Step step) {
  return step == Step::LoadMatrix || step == Step::LoadRow || step == Step::LoadScalar ||
         step == Step::LoadGroup;
}

bool isStore(Step step) { return step == Step::StoreMatrix || step == Step::StoreScalar; }

bool isFunction(Step step) {
  return step == Step::Recip || step == Step::Rsqrt || step == Step::Exp || step == Step::Sigmoid;
}

namespace {

enum class Kind : uint8_t { None, Scalar, Vector };

unsigned inputs(Step step) {
  switch (step) {
  case Step::LoadMatrix:
  case Step::LoadRow:
  case Step::LoadScalar:
  case Step::LoadGroup:
  case Step::Constant:
    return 0;
  case Step::Add:
  case Step::Sub:
  case Step::Mul:
  case Step::Max:
  case Step::Min:
  case Step::KeepGe:
    return 2;
  default:
    return 1;
  }
}

/// The kind the single input must have; None: any.
Kind wanted(Step step) {
  if (isReduction(step) || step == Step::MaskVisible || step == Step::StoreMatrix)
    return Kind::Vector;
  const bool scalar =
      step == Step::InverseScale || step == Step::ActivationScale || step == Step::StoreScalar;
  return scalar ? Kind::Scalar : Kind::None;
}

bool takes(Step step, ElementType type) {
  const bool real = type == ElementType::F32 || type == ElementType::F16;
  switch (step) {
  case Step::LoadScalar:
  case Step::StoreScalar:
    return type == ElementType::F32;
  case Step::LoadGroup:
    return real || type == ElementType::U4;
  case Step::LoadMatrix:
  case Step::LoadRow:
    return real || type == ElementType::I8 || type == ElementType::I4;
  default:
    return real || type == ElementType::I8;
  }
}

class Cutter {
public:
  Cutter(const VectorChain &chain, const std::vector<KernelOperand> &operands, std::string &error)
      : chain(chain), operands(operands), error(error), stored(operands.size()) {}

  std::optional<ChainPhases> run() {
    if (chain.steps.empty() || chain.steps.size() > 255)
      return fail(fmt::format("{} steps, 1 ... 255 are possible", chain.steps.size()));
    if (chain.subRows == 0)
      return fail("subRows must be at least 1");
    for (size_t index = 0; index < chain.steps.size(); ++index)
      if (!add(index))
        return std::nullopt;
    if (kinds.back() != Kind::None)
      return fail("the last step is no store");
    choosePhases();
    return chooseBuffers() ? std::optional(result) : std::nullopt;
  }

private:
  std::nullopt_t fail(const std::string &what) {
    error = what;
    return std::nullopt;
  }
  bool broken(size_t index, const std::string &what) {
    error = fmt::format("step {}: {}", index, what);
    return false;
  }

  bool add(size_t index) {
    const ChainStep &step = chain.steps[index];
    if (step.step > Step::StoreScalar)
      return broken(index, fmt::format("unknown step {}", unsigned(step.step)));
    bool vector =
        step.step == Step::LoadMatrix || step.step == Step::LoadRow || step.step == Step::LoadGroup;
    const uint8_t from[] = {step.a, step.b};
    for (unsigned i = 0; i < inputs(step.step); ++i) {
      if (from[i] >= index || kinds[from[i]] == Kind::None)
        return broken(index, fmt::format("input %{} is no earlier result", from[i]));
      vector = vector || kinds[from[i]] == Kind::Vector;
    }
    const Kind needed = wanted(step.step);
    if (needed != Kind::None && kinds[step.a] != needed)
      return broken(index, needed == Kind::Vector ? "its input must be a vector"
                                                  : "its input must be a scalar");
    if (step.step == Step::KeepGe && kinds[step.a] == Kind::Scalar && kinds[step.b] == Kind::Vector)
      return broken(index, "a scalar is kept by a scalar");
    const bool position = step.step == Step::MaxVisible || step.step == Step::MaskVisible;
    if (position && chain.positionArgument < 0)
      return broken(index, "needs the position argument");
    if (step.step == Step::LoadGroup &&
        !(step.imm >= 1 && step.imm < 16777216.0f && step.imm == std::floor(step.imm)))
      return broken(index, "the group size must be a whole number from 1 to 2^24 - 1");
    if ((isLoad(step.step) || isStore(step.step)) && !checkOperand(index))
      return false;
    kinds.push_back(isStore(step.step)                  ? Kind::None
                    : vector && !isReduction(step.step) ? Kind::Vector
                                                        : Kind::Scalar);
    return true;
  }

  bool checkOperand(size_t index) {
    const ChainStep &step = chain.steps[index];
    if (step.operand >= operands.size())
      return broken(index, fmt::format("operand {} does not exist", step.operand));
    if (!takes(step.step, operands[step.operand].type))
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
      info.vector = kinds[index] == Kind::Vector;
      const uint8_t from[] = {step.a, step.b};
      for (unsigned i = 0; i < inputs(step.step); ++i) {
        const ChainPhases::Info &input = result.steps[from[i]];
        info.phase = std::max(info.phase, input.phase + isReduction(chain.steps[from[i]].step));
      }
      if (isReduction(step.step) || step.step == Step::StoreMatrix)
        result.loops = std::max(result.loops, info.phase + 1);
    }
  }

  /// The last loop that needs the value of each vector step, directly or to compute another.
  std::vector<uint32_t> lastUses() const {
    std::vector<uint32_t> last(chain.steps.size(), 0);
    for (size_t index = chain.steps.size(); index-- > 0;) {
      const ChainStep &step = chain.steps[index];
      const bool root = isReduction(step.step) || step.step == Step::StoreMatrix;
      if (!root && !result.steps[index].vector)
        continue;
      last[index] = std::max(last[index], result.steps[index].phase);
      const uint8_t from[] = {step.a, step.b};
      for (unsigned i = 0; i < inputs(step.step); ++i)
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
    if (bytes > kKernelStackBytes) {
      error =
          fmt::format("rows of {} columns that are needed after a store take {} bytes of stack, "
                      "the limit is {}; store in a chain of its own",
                      chain.columns.value, bytes, kKernelStackBytes);
      return false;
    }
    // Long sequences are worth keeping while there is room.
    for (size_t index = 0; index < chain.steps.size(); ++index) {
      ChainPhases::Info &info = result.steps[index];
      if (info.vector && isFunction(chain.steps[index].step) && last[index] > info.phase &&
          bytes + rowBytes <= kKernelStackBytes) {
        info.buffered = true;
        bytes += rowBytes;
      }
    }
    return true;
  }

  const VectorChain &chain;
  const std::vector<KernelOperand> &operands;
  std::string &error;
  std::vector<bool> stored;
  std::vector<Kind> kinds;
  ChainPhases result;
};

} // namespace

std::optional<ChainPhases>
cutChain(const VectorChain &chain, const std::vector<KernelOperand> &operands, std::string &error) {
  return Cutter(chain, operands, error).run();
}

} // namespace llmc::target
