#include "targets/Interface/Chain.h"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr std::array<StepTraits, stepCount> steps = {{
    {.name = "loadMatrix", .operand = true},
    {.name = "loadRow", .operand = true},
    {.name = "loadScalar", .operand = true},
    {.name = "constant", .imm = true},
    {.name = "add", .inputs = Inputs::XX},
    {.name = "sub", .inputs = Inputs::XX},
    {.name = "mul", .inputs = Inputs::XX},
    {.name = "max", .inputs = Inputs::XX},
    {.name = "min", .inputs = Inputs::XX},
    {.name = "recip", .inputs = Inputs::X, .function = true},
    {.name = "rsqrt", .inputs = Inputs::X, .function = true},
    {.name = "exp", .inputs = Inputs::X, .function = true},
    {.name = "sigmoid", .inputs = Inputs::X, .function = true},
    {.name = "roundF16", .inputs = Inputs::X},
    {.name = "sumLanes", .inputs = Inputs::V, .reduces = true},
    {.name = "maxVisible", .inputs = Inputs::V, .position = true, .reduces = true},
    {.name = "absMax", .inputs = Inputs::V, .reduces = true},
    {.name = "keepGe", .inputs = Inputs::XX, .imm = true},
    {.name = "maskVisible", .inputs = Inputs::V, .position = true},
    {.name = "inverseScale", .inputs = Inputs::S, .function = true},
    {.name = "activationScale", .inputs = Inputs::S},
    {.name = "loadGroup", .operand = true, .imm = true},
    {.name = "storeMatrix", .inputs = Inputs::V, .operand = true},
    {.name = "storeScalar", .inputs = Inputs::S, .operand = true},
}};

using Broken = std::optional<std::string>;
using InputKinds = std::array<ValueKind, 2>;

Broken readInputs(const ChainStep &step, size_t index, const std::vector<ValueKind> &kinds,
                  InputKinds &inputs) {
  const StepTraits &traits = traitsOf(step.step);
  const unsigned count = inputCount(step.step);
  const uint8_t from[] = {step.a, step.b};
  for (unsigned i = 0; i < 2; ++i) {
    if (i >= count && from[i] != 0)
      return fmt::format("{} has {} inputs", traits.name, count);
    if (i >= count)
      continue;
    if (from[i] >= index || kinds[from[i]] == ValueKind::None)
      return fmt::format("{}: input %{} is no earlier result", traits.name, from[i]);
    inputs[i] = kinds[from[i]];
  }
  if ((traits.inputs == Inputs::V && inputs[0] != ValueKind::Vector) ||
      (traits.inputs == Inputs::S && inputs[0] != ValueKind::Scalar))
    return fmt::format("{}: input must be a {}", traits.name,
                       traits.inputs == Inputs::V ? "vector" : "scalar");
  if (step.step == Step::KeepGe && inputs[0] == ValueKind::Scalar && inputs[1] == ValueKind::Vector)
    return "keepGe: a scalar is kept by a scalar";
  return std::nullopt;
}

Broken checkFields(const VectorChain &chain, const ChainStep &step) {
  const StepTraits &traits = traitsOf(step.step);
  if ((!traits.operand && step.operand != 0) || (!traits.imm && step.imm != 0.0f) ||
      !std::isfinite(step.imm) || (!traits.imm && std::signbit(step.imm)))
    return fmt::format("{}: operand or immediate that it does not use, or not finite", traits.name);
  if (step.step == Step::LoadGroup &&
      !(step.imm >= 1 && step.imm < 16777216.0f && step.imm == std::floor(step.imm)))
    return "loadGroup: the group size must be a whole number from 1 to 2^24 - 1";
  if (traits.position && chain.positionArgument < 0)
    return fmt::format("{}: needs the position argument", traits.name);
  return std::nullopt;
}

ValueKind resultOf(Step step, const InputKinds &inputs) {
  if (isStore(step))
    return ValueKind::None;
  if (traitsOf(step).reduces || step == Step::LoadScalar || step == Step::Constant)
    return ValueKind::Scalar;
  const bool vector = isLoad(step) || inputs[0] == ValueKind::Vector || //
                      inputs[1] == ValueKind::Vector;
  return vector ? ValueKind::Vector : ValueKind::Scalar;
}

Broken addStep(const VectorChain &chain, size_t index, std::vector<ValueKind> &kinds) {
  const ChainStep &step = chain.steps[index];
  if (unsigned(step.step) >= stepCount)
    return fmt::format("unknown step {}", unsigned(step.step));
  InputKinds inputs = {ValueKind::None, ValueKind::None};
  if (Broken rule = readInputs(step, index, kinds, inputs))
    return rule;
  if (Broken rule = checkFields(chain, step))
    return rule;
  kinds.push_back(resultOf(step.step, inputs));
  return std::nullopt;
}

} // namespace

const StepTraits &traitsOf(Step step) { return steps[size_t(step)]; }

std::optional<Step> stepNamed(std::string_view name) {
  for (unsigned i = 0; i < stepCount; ++i)
    if (steps[i].name == name)
      return Step(i);
  return std::nullopt;
}

unsigned inputCount(Step step) {
  const Inputs inputs = traitsOf(step).inputs;
  return inputs == Inputs::None ? 0 : inputs == Inputs::XX ? 2 : 1;
}

bool isLoad(Step step) { return traitsOf(step).operand && traitsOf(step).inputs == Inputs::None; }

bool isStore(Step step) { return traitsOf(step).operand && traitsOf(step).inputs != Inputs::None; }

bool takesElement(Step step, ElementType type) {
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
  case Step::StoreMatrix:
    return real || type == ElementType::I8;
  default:
    return false;
  }
}

std::vector<ValueKind> chainKinds(const VectorChain &chain, std::string &error) {
  std::vector<ValueKind> kinds;
  if (chain.steps.empty() || chain.steps.size() > 255) {
    error = fmt::format("{} steps, 1 ... 255 are possible", chain.steps.size());
    return {};
  }
  for (size_t i = 0; i < chain.steps.size(); ++i)
    if (Broken rule = addStep(chain, i, kinds)) {
      error = fmt::format("step {}: {}", i, *rule);
      return {};
    }
  if (kinds.back() != ValueKind::None) {
    error = "the last step is no store";
    return {};
  }
  return kinds;
}

} // namespace llmc::target
