// One compiled model on its device.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/conformance/Subject.h"
#include "tools/conformance/TinyModel.h"

#include <optional>

namespace llmc::conformance {

/// What went wrong first when the plan fed all ids of the model: in calls of `chunk` ids (0: one
/// call), the first `count` of them. Logits are compared bit for bit.
std::optional<Failure> feedPlan(const Subject &subject, const TinyModel &model,
                                const std::string &plan, size_t count, size_t chunk);

/// The same plan twice in a session, and one id more than its context takes.
std::optional<Failure> feedTwice(const Subject &subject, const TinyModel &model,
                                 const std::string &plan);
std::optional<Failure> feedTooMuch(const Subject &subject, const TinyModel &model,
                                   const std::string &plan);

/// Whether on-chip memory that a simulated device used is what the plan states, nothing less or
/// more; nothing where the device is real.
std::optional<Failure> comparePeak(const Subject &subject, const TinyModel &model,
                                   const std::string &plan);

/// Adds the plan's kernels to the counts.
void countKernels(const Subject &subject, const std::string &plan, ClassResult &result);

} // namespace llmc::conformance
