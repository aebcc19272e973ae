# Configuration of the text tests: dialects, passes, compiler, tools and whole runs.
import os

import lit.formats

config.name = "llmc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# Unit tests have their own programs; data are inputs, never tests.
config.excludes = ["unit", "data", "plugins", "runtime", "conformance", "CMakeLists.txt", "lit.cfg.py", "lit.site.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.llmc_build_root, "test", "lit")

config.environment["PATH"] = os.pathsep.join(
    [config.llmc_tools_dir, config.llvm_tools_dir, config.environment["PATH"]])
# No test may depend on who runs it.
config.environment["LC_ALL"] = "C"
config.environment.pop("LLMC_PLUGIN_PATH", None)
# Programs with sanitizers crash as others do.
config.environment["ASAN_OPTIONS"] = "handle_segv=0:handle_sigbus=0:abort_on_error=1"

config.substitutions.append(("%data", os.path.join(config.test_source_root, "data")))
config.substitutions.append(("%plugins", os.path.join(config.llmc_build_root, "test", "plugins")))
config.substitutions.append(("%repository", os.path.dirname(config.test_source_root)))
config.substitutions.append(("%python", config.python))

# What the CPU runs, by the names of the instruction-set variants.
try:
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        flags = set(cpuinfo.read().split())
except OSError:
    flags = set()
for variant, flag in ("avx2", "avx2"), ("avx512", "avx512_vnni"), ("amx", "amx_int8"):
    if flag in flags:
        config.available_features.add(f"host-{variant}")

# Files without a name, which not all file systems have.
try:
    os.close(os.open(config.llmc_build_root, os.O_TMPFILE | os.O_RDWR))
    config.available_features.add("unnamed-files")
except OSError:
    pass

# A test that needs a program which this build does not have says so with REQUIRES: llmc-opt (or llmc).
for tool in ("llmc", "llmc-opt", "llmc-make-model"):
    if os.access(os.path.join(config.llmc_tools_dir, tool), os.X_OK):
        config.available_features.add(tool)
