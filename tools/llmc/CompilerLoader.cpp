#include "tools/llmc/CompilerLoader.h"

#include "tools/llmc/Errors.h"

#include <dlfcn.h>
#include <filesystem>
#include <stdexcept>

namespace llmc {

std::string compilerLibraryPath() {
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed)
    throw std::runtime_error("/proc/self/exe cannot be read (" + failed.message() +
                             "), which says where this program and its compiler library are");
  return self.parent_path().parent_path() / "lib" / "libllmc-compiler.so";
}

const Compiler &loadCompiler(const std::string &path) {
  if (!std::filesystem::exists(path))
    throw InputError("the compiler library '" + path +
                     "' is missing: without it this llmc runs, evaluates and shows plans, but "
                     "compiles none; put the library of the same build there");
  // Never closed: LLVM does not survive being unloaded, and loading twice gives the same handle.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw InputError(std::string("the compiler library cannot be loaded: ") + dlerror() +
                     "; install what it needs, see tools/packages.txt");
  auto *entry = reinterpret_cast<CompilerEntry *>(dlsym(library, compilerEntryName));
  if (!entry)
    throw InputError("'" + path + "' is no compiler library of llmc: it has no function '" +
                     compilerEntryName + "'");
  const CompilerLibrary &found = *entry();
  if (std::string_view(found.interface) != LLMC_COMPILER_INTERFACE)
    throw InputError("the compiler library '" + path + "' has interface " + found.interface +
                     ", this llmc needs " + LLMC_COMPILER_INTERFACE +
                     "; put the library of the same build there");
  return *found.compiler;
}

} // namespace llmc
