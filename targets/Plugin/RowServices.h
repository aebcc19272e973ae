// The services of llmc for targets whose kernels lower_llvm makes row by row.
#pragma once

#include "targets/Plugin/llmc/target_plugin.h"

namespace llmc::target {

/// Sets the rows_ functions of a table, whose ctx is a HostContext.
void addRowServices(llmc_host &host);

} // namespace llmc::target
