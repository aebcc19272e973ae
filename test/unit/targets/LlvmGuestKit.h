// Kernels of instruction sets that this machine has not, under emulators.
#pragma once

#include "test/unit/targets/LlvmTestKit.h"

namespace llmc::test {

/// Null, and "skipped: ..." printed once, where there is no emulator.
std::unique_ptr<RunnableBlob> guestBlob(const target::Blob &blob, const target::IsaTable &isa);

} // namespace llmc::test
