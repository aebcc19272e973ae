// Plans as bytes and as descriptions, without judging them: what a mutator works on.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compiler/Emit/PlanDescription.h"

namespace llmc::fuzz {

/// The largest plan that is taken apart or put together.
inline constexpr uint64_t maxPlanBytes = 1 << 16;

/// The description of a plan whose FlatBuffer is sound, whatever it says; nothing otherwise.
std::optional<PlanDescription> takeApart(std::span<const uint8_t> bytes);

/// The file of a description, valid or not, with right digests; empty where it would be too large.
std::vector<uint8_t> putTogether(const PlanDescription &description);

} // namespace llmc::fuzz
