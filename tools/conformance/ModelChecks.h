// Whole models: compiled for the target, run on its device, compared with the reference evaluator.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/conformance/Subject.h"

namespace llmc::conformance {

/// Small models of a recipe: in one go, token by token, in chunks of an odd size, to the last
/// position of the context and beyond.
ClassResult checkModels(const Subject &subject, const std::string &name, const std::string &recipe);

/// Whether plans fit what they say to fit: every memory as large as a plan needs, and one unit
/// less.
ClassResult checkMemory(const Subject &subject, const std::string &name);

} // namespace llmc::conformance
