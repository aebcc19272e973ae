// The compiler, loaded when a command needs it.
#pragma once

#include "compiler/Library/CompilerLibrary.h"

namespace llmc {

/// Where the compiler library belongs: ../lib beside the folder of this program.
std::string compilerLibraryPath();

/// The compiler in the shared library `path`, loaded once and until exit. Throws InputError where
/// it is missing, cannot be loaded, or was built from another tree than this program.
const Compiler &loadCompiler(const std::string &path = compilerLibraryPath());

} // namespace llmc
