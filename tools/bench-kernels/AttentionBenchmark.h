// Attention: one token against the read bandwidth, a chunk against the peak of fp32.
#pragma once

#include "targets/Interface/IsaTable.h"

namespace llmc::bench {

void addAttention(const target::IsaTable &isa);

} // namespace llmc::bench
