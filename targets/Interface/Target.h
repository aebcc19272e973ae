// What a target is to the compiler. In-tree targets use nothing else, and nothing here knows MLIR.
#pragma once

#include "targets/Interface/Blob.h"
#include "targets/Interface/Device.h"
#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

/// Supported, or the reason why not.
struct Verdict {
  bool supported = true;
  std::string reason;
};

/// What the quantized graph must look like before it is tiled for a target.
struct Legalization {
  bool dynamicActivations = true; ///< int8 per row, scale computed at run time.
  bool floatVectors = true;       ///< Norms, softmax and residual in fp32.
};

/// Unpacked weights of rows [0, rows) and all of K, as the reference evaluator sees them.
struct WeightRows {
  WeightFormat format;
  uint32_t rows = 0, columns = 0;
  const int8_t *elements = nullptr;     ///< [rows, columns], one per byte.
  const float *rowScales = nullptr;     ///< [rows] for F32Row and MultiplierF32Row.
  const uint8_t *multipliers = nullptr; ///< [rows, groups], 1 ... 16.
  const uint16_t *halfScales = nullptr; ///< [rows, groups] for F16Group.
  const float *groupScales = nullptr;   ///< [rows, groups] for F32Group.
};

/// What the compiler offers a target that emits kernels.
class HostServices {
public:
  /// Kernels as code of one instruction set: one blob, an entry for each request in their order.
  /// Errors: a kernel that the instruction set has no code for, by name.
  virtual std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels,
                                        const IsaTable &isa, std::string &error) const = 0;

protected:
  ~HostServices() = default;
};

/// One of several kinds of code for the same machine; a plan has them all, the device picks.
struct Variant {
  std::string name;        ///< "avx512"; empty where there is one.
  uint32_t abi = 0;        ///< Version of the kernels' calling convention.
  uint32_t driverMin = 0;  ///< Smallest driver version that may run it.
  uint32_t stackBytes = 0; ///< The most a kernel takes.
};

class Target {
public:
  virtual ~Target() = default;

  virtual const std::string &name() const = 0;
  /// Descriptions of the machines that it brings, in the order to list them.
  virtual std::vector<MachineText> descriptions() const = 0;
  /// Why a description that names this target is none that it understands; empty where it is.
  virtual std::string machineRefusal(const Machine &) const { return {}; }
  virtual Legalization legalization(const Machine &) const { return {}; }

  /// Whether the machine runs such a kernel, with operands as they are for this kind of work. What
  /// is supported can be packed and emitted.
  virtual Verdict supports(const Machine &machine, const KernelWork &work) const = 0;

  /// Cycles of one command, waits aside. The compiler's search uses these and nothing else.
  virtual uint64_t cycles(const Machine &machine, const KernelWork &work) const = 0;
  virtual uint64_t dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                             bool isLoad) const = 0;

  /// Rows of a weight tile are a multiple of this, but for the last tile of a matrix.
  virtual uint32_t rowGranule(const Machine &machine) const = 0;
  /// Whether linear layers read row records. If not, they read a layout of the target's own. On
  /// machines with command streams, tables that are gathered by row are row records in any
  /// case, of which the compiler addresses the parts; one that a head shares is then stored in both
  /// layouts.
  virtual bool readsRowRecords() const { return true; }
  /// Bytes of a packed tile, which is a whole matrix where kernels are dispatched one by one; 0:
  /// there is no layout for such weights, and supports() says why. Tiles of whole granules follow
  /// each other without gaps: together they are the tile of all their rows. By default row records.
  virtual uint64_t packedBytes(const Machine &machine, const WeightFormat &format, uint32_t rows,
                               uint32_t columns) const;
  /// Bytes that a PackRows kernel writes, on the variant where they are the most; 0: there is no
  /// such kernel.
  virtual uint64_t packedRowsBytes(const Machine &, const PackRows &) const { return 0; }
  /// Appends one packed tile of exactly packedBytes().
  virtual void pack(const Machine &machine, const WeightRows &rows,
                    std::vector<uint8_t> &out) const;

  /// Machines with command streams: encodes a program as this target's kernel blob.
  virtual std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                                   std::string &error) const;
  /// Kinds of code that a plan for this machine holds, the least demanding first.
  virtual std::vector<Variant> variants(const Machine &) const { return {Variant()}; }
  /// Machines whose kernels are dispatched one by one: all kernels of a plan as one blob of a
  /// variant, an entry for each request in their order.
  virtual std::optional<Blob> emitKernels(const Machine &machine, const Variant &variant,
                                          const std::vector<KernelRequest> &kernels,
                                          const HostServices &host, std::string &error) const;
  /// Text of a blob, one command a line.
  virtual std::string disassemble(const std::vector<uint8_t> &blob, std::string &error) const = 0;

  /// Whether it brings a device that runs its plans on this computer.
  virtual bool hasDevice() const { return false; }
  /// One for plans of a variant. Null with the error set where this computer cannot be it.
  virtual std::unique_ptr<TargetDevice>
  openDevice(const Machine &machine, const std::string &variant, std::string &error) const;
};

/// The machines of a target: those it brings, then those of these files.
/// Errors: as machinesOf with texts, and what the target refuses.
std::optional<std::vector<Machine>>
machinesOf(const Target &target, const std::vector<std::string> &files, std::string &error);

/// The targets known to a program. Filled by tools, passed in; there is no global one.
class TargetRegistry {
public:
  void add(std::unique_ptr<Target> target, std::vector<Machine> machines);
  /// Every machine of every target, in order of registration.
  std::vector<std::pair<const Target *, const Machine *>> machines() const;
  /// The target and machine of this machine name. Error text lists the known ones.
  std::optional<std::pair<const Target *, const Machine *>> find(const std::string &machineName,
                                                                 std::string &error) const;

private:
  struct Entry {
    std::unique_ptr<Target> target;
    std::vector<Machine> machines;
  };
  std::vector<Entry> entries;
};

} // namespace llmc::target
