// What a machine asks of a program beyond Validate.h. The compiler asks before it builds commands,
// emit before it writes them, the simulator before it runs them.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <optional>
#include <string>

namespace llmc::rnpu {

/// Why a kernel cannot run, or nothing.
std::optional<std::string> unsupported(const target::Matmul &matmul);
std::optional<std::string> unsupported(const target::Machine &machine,
                                       const target::VectorChain &chain);

/// The first command of a valid program that this machine cannot run, or nothing: SRAM size, chain
/// length, DMA addresses and strides that are not multiples of the memory's alignment.
std::optional<std::string> checkMachine(const target::Machine &machine,
                                        const target::Program &program);

} // namespace llmc::rnpu
