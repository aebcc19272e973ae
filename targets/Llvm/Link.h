// Modules to one blob, with lld inside the process. What a device would have to do at load time,
// relocating, binding symbols, setting up data, is refused here.
#pragma once

#include "targets/Interface/Blob.h"
#include "targets/Interface/IsaTable.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace llmc::target {

/// Compiles and links. The entries are all functions with external linkage. Callable from several
/// threads; the linker itself runs for one at a time. Errors: writable data, an address in data or
/// code, an undefined symbol, one defined twice, no entry at all, what compileObject reports. Each
/// names the symbol and the section where the linker knows them.
std::optional<Blob> linkBlob(const std::vector<std::unique_ptr<llvm::Module>> &modules,
                             const IsaTable &isa, llvm::TargetMachine &machine, std::string &error);

} // namespace llmc::target
