// What a machine is: memories, engines, rates and energies, read from a machine description file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmc::target {

/// A number that is known only within a band. Reports print all three, never one alone.
struct Band {
  double low = 0, nominal = 0, high = 0;
};

enum class MemoryKind : uint8_t { Sram, Dram, FlashXip, FlashPaged };

/// One memory of the machine. Rates are in bytes per core clock cycle, latencies in core clock
/// cycles.
struct Memory {
  std::string name; ///< Unique within the machine, for example "sram", "dram", "flash".
  MemoryKind kind = MemoryKind::Sram;
  uint64_t bytes = 0;
  uint32_t alignment = 16; ///< Every transfer and tensor address is a multiple of this.
  double readBytesPerCycle = 0, writeBytesPerCycle = 0; ///< Peak rates.
  double utilization = 1.0; ///< Share of the peak rate that is reached when streaming.
  uint32_t readLatency = 0, writeLatency = 0;
  uint32_t burstBytes = 128;
  uint32_t outstandingReads = 8, outstandingWrites = 8;
  Band energyPerByte; ///< pJ per byte moved.

  /// Little's law: sustained read rate in bytes per cycle.
  double effectiveReadRate() const;
  double effectiveWriteRate() const;
};

/// SHA-256 over the values of a machine description, sources and layout of the file aside.
using MachineDigest = std::array<uint8_t, 32>;

/// What holds for every command of an engine.
struct EngineTiming {
  uint32_t issueCycles =
      0; ///< From a command's last wait being satisfied to its first useful cycle.
};

struct TensorEngine {
  EngineTiming timing;
  uint32_t macPerCycleI8 = 0;   ///< Peak, all rows busy.
  uint32_t macPerCycleF16 = 0;  ///< f16 x f16 -> f32.
  uint32_t gemvMacPerCycle = 0; ///< Cap for one row; grows linearly with rows up to the peak.
  double weightsPerCycle4 = 0;  ///< Weight decoder rate for 4-bit weights; 0: no limit.
  double weightsPerCycle8 = 0;
  double outputsPerCycle = 0;           ///< fp32 results leaving the output stage.
  Band energyPerMacI8, energyPerMacF16; ///< pJ.
};

struct VectorEngine {
  EngineTiming timing;
  uint32_t lanes = 0;             ///< fp32 elements per cycle for a simple step.
  uint32_t cyclesPerFunction = 1; ///< Factor for recip, rsqrt, exp and sigmoid.
  uint32_t maxSteps = 0;          ///< Longest chain in one command.
  Band energyPerLaneOp;           ///< pJ.
};

/// Where a class of data lives: names of memories. `weights` holds constants, `state` the KV cache,
/// `scratch` staged rows, of machines that dispatch kernels all activations, `io` ids and results.
struct Placement {
  std::string weights, state, scratch, io;
};

/// What one dispatch runs.
enum class DispatchKind : uint8_t {
  Stream, ///< A whole entry: a command stream. Commands work in SRAM, DMA moves data there and
          ///< back.
  Kernel, ///< One kernel, which addresses every memory directly; there is no DMA.
};

/// A machine of one target. Read from JSON; every number there has a source beside it.
struct Machine {
  std::string text;    ///< The description as it was read.
  std::string name;    ///< "rnpu-soc"
  std::string target;  ///< The target that understands it: "rnpu".
  std::string summary; ///< One line for `llmc targets`.
  std::string isa;     ///< Instruction set, where the target has several to choose from.
  double clockHz = 0;
  std::vector<Memory> memories;
  Placement placement;
  DispatchKind dispatch = DispatchKind::Stream;
  TensorEngine tensor;
  VectorEngine vector;
  uint32_t dmaLoadChannels = 1, dmaStoreChannels = 1;
  uint32_t dmaSetupCycles = 0;
  uint32_t dmaOutstanding = 4;         ///< Commands of one channel whose latencies overlap.
  uint32_t launchCycles = 0;           ///< Per dispatch.
  Band staticPower;                    ///< mW.
  std::vector<uint32_t> prefillChunks; ///< Descending, for example {64, 16}.
  uint32_t headRows = 16;              ///< Rows of the larger head entry.
  MachineDigest digest{};              ///< Set by parseMachine.

  const Memory *memory(const std::string &memoryName) const;
  const Memory &
  sram() const; ///< The single memory of kind Sram; its presence is checked when the file is read.
  /// The weights' memory has no addresses: they are read page by page.
  bool pagesWeights() const;
  /// Where code is, and constants that kernels address: with the weights, or, where those are
  /// paged, loaded once into the memory of `state`.
  const Memory &constants() const;
};

/// Reads a machine description. `origin` names the text in errors.
/// Errors: not JSON, an unknown or missing key, a number without a source, values out of range.
std::optional<Machine> parseMachine(const std::string &json, const std::string &origin,
                                    std::string &error);

/// Reads a machine description file. Errors: as parseMachine, and an unreadable file.
std::optional<Machine> loadMachine(const std::string &path, std::string &error);

/// A description that a target brings.
struct MachineText {
  std::string origin; ///< Names it in errors: its file.
  std::string text;
};

/// The descriptions that are built into a program: names of files, and their texts.
std::vector<MachineText>
machineTexts(std::span<const std::pair<std::string_view, std::string_view>> builtIn);

/// The machines of a target: those it brings, then those of these files.
/// Errors: as loadMachine, a description for another target, a name used twice.
std::optional<std::vector<Machine>> machinesOf(const std::string &target,
                                               const std::vector<MachineText> &brought,
                                               const std::vector<std::string> &files,
                                               std::string &error);

} // namespace llmc::target
