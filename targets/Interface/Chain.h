// The vector chain's closed set of steps: facts of each, and which chains are well formed.
#pragma once

#include "targets/Interface/Kernel.h"

#include <optional>
#include <string_view>

namespace llmc::target {

constexpr unsigned stepCount = unsigned(Step::StoreScalar) + 1;

/// Which earlier results a step takes: V a row vector, S a scalar, X either.
enum class Inputs : uint8_t { None, X, V, S, XX };

struct StepTraits {
  std::string_view name; ///< As in listings.
  Inputs inputs = Inputs::None;
  bool operand = false;  ///< Reads or writes memory.
  bool imm = false;      ///< Has an immediate.
  bool function = false; ///< Takes Machine::vector.cyclesPerFunction.
  bool position = false; ///< Needs the position argument.
  bool reduces = false;  ///< Needs a whole row for one number.
};

const StepTraits &traitsOf(Step step);
std::optional<Step> stepNamed(std::string_view name);
unsigned inputCount(Step step);
bool isLoad(Step step);
bool isStore(Step step);

/// Whether a load or store step exists for operands of this type.
bool takesElement(Step step, ElementType type);

/// Row value or scalar of a step's result; a store has none.
enum class ValueKind : uint8_t { Vector, Scalar, None };

/// Kind of every step's result. Empty, with the error set, where the chain is not well formed: no
/// steps or more than 255, an input that is no earlier result or of the wrong kind, a field that
/// the step does not use and that is not zero, a bad group, a missing position, no store at its
/// end. Operands are for the caller to check.
std::vector<ValueKind> chainKinds(const VectorChain &chain, std::string &error);

} // namespace llmc::target
