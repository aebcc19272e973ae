// Single kernels: claimed, packed, emitted, run, and compared with the reference.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/conformance/Subject.h"

namespace llmc::conformance {

/// Checks the cases of one class.
ClassResult checkKernels(const Subject &subject, const std::string &name,
                         const std::vector<Case> &cases);

} // namespace llmc::conformance
