// Facts of the vector chain's steps and the names of everything a listing shows: one table for all
// users.
#pragma once

#include "targets/Interface/Program.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmc::rnpu {

constexpr unsigned stepCount = unsigned(target::Step::StoreScalar) + 1;

/// Which earlier results a step takes: V a row vector, S a scalar, X either.
enum class Inputs : uint8_t { None, X, V, S, XX };

struct StepTraits {
  std::string_view name;
  Inputs inputs = Inputs::None;
  bool operand = false;  ///< Reads or writes memory.
  bool imm = false;      ///< Has an immediate.
  bool function = false; ///< Takes Machine::vector.cyclesPerFunction.
  bool position = false; ///< Needs the position argument.
};

const StepTraits &traitsOf(target::Step step);
bool isStore(target::Step step);
unsigned inputCount(const StepTraits &traits);

/// Names as in listings: "sram", "f16", "m32" and so on.
std::string_view nameOf(target::Engine engine);
std::string_view nameOf(target::Space space);
std::string_view nameOf(target::ElementType type);
std::string_view nameOf(target::MatmulKind kind);
std::string_view nameOf(target::ScaleKind kind);
std::optional<target::Engine> engineNamed(std::string_view name);
std::optional<target::Space> spaceNamed(std::string_view name);
std::optional<target::ElementType> elementNamed(std::string_view name);
std::optional<target::MatmulKind> matmulNamed(std::string_view name);
std::optional<target::ScaleKind> scaleNamed(std::string_view name);
std::optional<target::Step> stepNamed(std::string_view name);

} // namespace llmc::rnpu
