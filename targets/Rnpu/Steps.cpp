// The tables behind Steps.h.
#include "targets/Rnpu/Steps.h"

#include <array>

namespace llmc::rnpu {

using namespace target;

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
    {.name = "sumLanes", .inputs = Inputs::V},
    {.name = "maxVisible", .inputs = Inputs::V, .position = true},
    {.name = "absMax", .inputs = Inputs::V},
    {.name = "keepGe", .inputs = Inputs::XX, .imm = true},
    {.name = "maskVisible", .inputs = Inputs::V, .position = true},
    {.name = "inverseScale", .inputs = Inputs::S, .function = true},
    {.name = "activationScale", .inputs = Inputs::S},
    {.name = "loadGroup", .operand = true, .imm = true},
    {.name = "storeMatrix", .inputs = Inputs::V, .operand = true},
    {.name = "storeScalar", .inputs = Inputs::S, .operand = true},
}};

constexpr std::string_view engineNames[] = {"load", "store", "tensor", "vector"};
constexpr std::string_view spaceNames[] = {"weights", "state", "ids", "io", "scratch", "sram"};
constexpr std::string_view elementNames[] = {"f32", "f16", "i8", "i4", "i32", "u8", "u4"};
constexpr std::string_view matmulNames[] = {"linear", "scores", "values"};
constexpr std::string_view scaleNames[] = {"row", "multiplier", "f16", "f32"};

template <typename Enum, size_t count>
std::optional<Enum> find(const std::string_view (&names)[count], std::string_view name) {
  for (size_t i = 0; i < count; ++i)
    if (names[i] == name)
      return Enum(i);
  return std::nullopt;
}

} // namespace

const StepTraits &traitsOf(Step step) { return steps[size_t(step)]; }

bool isStore(Step step) { return step == Step::StoreMatrix || step == Step::StoreScalar; }

unsigned inputCount(const StepTraits &traits) {
  return traits.inputs == Inputs::None ? 0 : traits.inputs == Inputs::XX ? 2 : 1;
}

std::string_view nameOf(Engine engine) { return engineNames[size_t(engine)]; }
std::string_view nameOf(Space space) { return spaceNames[size_t(space)]; }
std::string_view nameOf(ElementType type) { return elementNames[size_t(type)]; }
std::string_view nameOf(MatmulKind kind) { return matmulNames[size_t(kind)]; }
std::string_view nameOf(ScaleKind kind) { return scaleNames[size_t(kind)]; }

std::optional<Engine> engineNamed(std::string_view name) { return find<Engine>(engineNames, name); }
std::optional<Space> spaceNamed(std::string_view name) { return find<Space>(spaceNames, name); }
std::optional<ElementType> elementNamed(std::string_view name) {
  return find<ElementType>(elementNames, name);
}
std::optional<MatmulKind> matmulNamed(std::string_view name) {
  return find<MatmulKind>(matmulNames, name);
}
std::optional<ScaleKind> scaleNamed(std::string_view name) {
  return find<ScaleKind>(scaleNames, name);
}

std::optional<Step> stepNamed(std::string_view name) {
  for (unsigned i = 0; i < stepCount; ++i)
    if (steps[i].name == name)
      return Step(i);
  return std::nullopt;
}

} // namespace llmc::rnpu
