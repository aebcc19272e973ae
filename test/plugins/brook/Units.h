// The units of a simulated brook, and the memories they work on: what commands compute, by
// docs/numerics.md, and how long they take. Accesses that leave their memory or operand are faults,
// as are those that no token orders behind an earlier access to the same bytes.
#pragma once

#include "Isa.h"
#include "Weights.h"

#include "runtime/base/device.h"
#include "runtime/base/numerics.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace brook {
/// For one run of a program, whose operands are all memories but SRAM.
struct UnitSet {
  UnitSet(const llmc_machine &machine, const Header &header, const llmc_dispatch &dispatch,
          llmc_device_figures &figures)
      : machine(machine), figures(figures), nArguments(int32_t(header.nArguments)),
        arguments(dispatch.params), sram(header.sramBytes, 0xa5) {
    std::copy(dispatch.operands, dispatch.operands + LLMC_SPACE_SRAM, memories);
    memories[LLMC_SPACE_SRAM] = {sram.data(), sram.size(), 0, 0, 0};
    granules[0].resize(memories[LLMC_SPACE_SCRATCH].size / granuleBytes + 1);
    granules[1].resize(sram.size() / granuleBytes + 1);
    figures.sram_peak_bytes = std::max<uint64_t>(figures.sram_peak_bytes, sram.size());
  }

  using Clock = std::array<uint32_t, Units>; ///< Commands of each unit that are known to be done.

  /// Runs the command in the registers of `unit`. Gives its cycles; the unit may begin the next one
  /// while the latency lasts.
  uint64_t execute() {
    latency = 0;
    return unit == Matrix ? matrix() : unit == Vector ? vector() : copy(unit == Read);
  }

  [[noreturn]] void fail(const std::string &text) const {
    throw std::runtime_error(unitNames[unit] + (" command " + std::to_string(id)) + ", trip " +
                             std::to_string(trip) + ": " + text);
  }

  const llmc_machine &machine;
  llmc_device_figures &figures;
  uint32_t files[Units][maxRegisters] = {};
  Clock clocks[Units] = {}, issued = {};
  uint32_t unit = 0, id = 0, trip = 0, latency = 0; ///< Of the command at hand.

  static constexpr uint64_t startCycles = 24, burstBytes = 64, granuleBytes = 16;
  struct Granule {
    Clock written, read; ///< The last command of each unit.
  };

  template <class T> T registers() const {
    T file;
    memcpy(&file, files[unit], sizeof file);
    return file;
  }

  uint8_t *touch(uint32_t space, uint64_t start, uint64_t bytes, bool isWrite) {
    const uint64_t size = space < LLMC_SPACE_COUNT ? memories[space].size : 0;
    if (start > size || bytes > size - start)
      fail("byte " + std::to_string(start + bytes) + " of memory " + std::to_string(space));
    if (isWrite && (space == LLMC_SPACE_WEIGHTS || space == LLMC_SPACE_IDS))
      fail("writes to constants");
    const bool isSram = space == LLMC_SPACE_SRAM, isShared = isSram || space == LLMC_SPACE_SCRATCH;
    (isWrite ? figures.written_bytes : figures.read_bytes)[isSram ? 0 : 1] += bytes;
    for (uint64_t g = start / granuleBytes; isShared && g * granuleBytes < start + bytes; ++g) {
      Granule &granule = granules[isSram][g];
      for (unsigned u = 0; u < Units; ++u)
        if (std::max(granule.written[u], isWrite ? granule.read[u] : 0) > clocks[unit][u])
          fail("no token orders it behind " + std::string(unitNames[u]) + " at byte " +
               std::to_string(g * granuleBytes) + (isSram ? " of SRAM" : " of scratch"));
      (isWrite ? granule.written : granule.read)[unit] = issued[unit];
    }
    return static_cast<uint8_t *>(memories[space].base) + start;
  }

  uint32_t argument(int32_t index) const {
    if (index >= nArguments)
      fail("reads argument " + std::to_string(index) + " of " + std::to_string(nArguments));
    return index < 0 ? 0 : arguments[index];
  }

  uint64_t addressOf(const llmc_address &address) const {
    return address.offset + trip * address.trip_stride +
           uint64_t(argument(address.argument)) * address.argument_stride;
  }

  uint64_t valueOf(const llmc_extent &extent, uint64_t each = 1) const {
    return extent.argument < 0 ? extent.value : argument(extent.argument) * each;
  }

  uint64_t copy(bool isRead) {
    const auto r = registers<llmc_dma>();
    const uint64_t from = addressOf(r.source), to = addressOf(r.destination),
                   run = valueOf(r.run, r.run_unit), inner = valueOf(r.counts[0]),
                   runs = inner * valueOf(r.counts[1]);
    if (run && runs > memories[r.destination.space % LLMC_SPACE_COUNT].size / run)
      fail("copies more than there is room for");
    for (uint64_t i = 0; i < runs && run; ++i) {
      const uint64_t outer = i / inner, row = i % inner;
      uint32_t id = uint32_t(row);
      if (r.gather)
        memcpy(&id, touch(LLMC_SPACE_IDS, addressOf(r.ids) + 4 * row, 4, false), 4);
      const uint64_t source = from + outer * r.source_strides[1] + id * r.source_strides[0];
      const uint8_t *bytes = touch(r.source.space, source, run, false);
      const uint64_t target = outer * r.destination_strides[1] + row * r.destination_strides[0];
      memcpy(touch(r.destination.space, to + target, run, true), bytes, run);
    }
    const llmc_machine_memory &dram = machine.memories[1];
    const double rate = isRead ? dram.read_bytes_per_cycle : dram.write_bytes_per_cycle;
    latency = isRead ? dram.read_latency : dram.write_latency;
    return startCycles + uint64_t(double(runs * std::max(run, burstBytes)) / rate);
  }

  /// `bytes` of a row of an operand; row r is token r / subRows, sub r % subRows.
  uint8_t *rowOf(const llmc_command_operand &o, uint64_t row, uint64_t bytes, bool isWrite) {
    const uint64_t offset = row / subRows * o.token_stride + row % subRows * o.sub_stride;
    if (offset + bytes > o.bytes || o.address.space != LLMC_SPACE_SRAM)
      fail("leaves an operand of " + std::to_string(o.bytes) + " bytes of SRAM");
    return touch(LLMC_SPACE_SRAM, addressOf(o.address) + offset, bytes, isWrite);
  }

  uint64_t matrix() {
    const auto r = registers<MatrixRegisters>();
    subRows = std::max(r.matmul.sub_rows, 1u);
    const uint64_t rows = valueOf(r.matmul.tokens) * subRows, n = valueOf(r.matmul.n),
                   k = valueOf(r.matmul.k);
    // An element is half a byte at least.
    if (std::max({double(rows) * n, double(rows) * k, double(n) * k}) / 2 >
        machine.memories[0].bytes)
      fail("is larger than SRAM");
    const bool isLinear = r.matmul.kind == LLMC_MATMUL_LINEAR;
    if (rows && n)
      isLinear ? linear(r, rows, n, k) : products(r, rows, n, k);
    (isLinear ? figures.macs_i8 : figures.macs_f16) += rows * n * k;
    const uint64_t most = isLinear ? machine.mac_per_cycle_i8 : machine.mac_per_cycle_f16,
                   rate = std::min(most, std::max<uint64_t>(rows, 1) * machine.gemv_mac_per_cycle);
    return startCycles + rows * n * k / rate;
  }

  void linear(const MatrixRegisters &r, uint64_t rows, uint64_t n, uint64_t k) {
    const PanelLayout layout(r.matmul.format, uint32_t(k));
    const uint8_t *panels = rowOf(r.b, 0, layout.bytesOf(uint32_t(n)), false);
    std::vector<int8_t> weights(k), a(rows * k);
    std::vector<float> scales(rows);
    std::vector<uint8_t *> out(rows);
    for (uint64_t m = 0; m < rows; ++m) {
      memcpy(a.data() + m * k, rowOf(r.a, m, k, false), k);
      memcpy(&scales[m], rowOf(r.aScale, m, 4, false), 4);
      out[m] = rowOf(r.out, m, 4 * n, true);
    }
    for (uint64_t i = 0; i < n; ++i) {
      const float weightScale = layout.unpack(panels, uint32_t(i), weights.data());
      for (uint64_t m = 0; m < rows; ++m) {
        int32_t sum = 0;
        for (uint64_t c = 0; c < k; ++c)
          sum += a[m * k + c] * weights[c];
        const float result = (0.0f + float(sum) * weightScale) * scales[m];
        memcpy(out[m] + 4 * i, &result, 4);
      }
    }
  }

  /// Scores and values: one sum for each result, k ascending.
  void products(const MatrixRegisters &r, uint64_t rows, uint64_t n, uint64_t k) {
    const bool isScores = r.matmul.kind == LLMC_MATMUL_SCORES;
    const uint64_t tokens = isScores ? n : k, width = isScores ? k : n;
    std::vector<float> b(k * n), sums(n); // a row of b for each k
    for (uint64_t token = 0; token < tokens; ++token) {
      const uint8_t *row = rowOf(r.b, token * subRows, 2 * width, false);
      for (uint64_t i = 0; i < width; ++i)
        b[isScores ? i * n + token : token * n + i] = element(LLMC_ELEMENT_F16, row, i);
    }
    for (uint64_t m = 0; m < rows; ++m) {
      const uint8_t *a = rowOf(r.a, m, 2 * k, false);
      uint8_t *out = rowOf(r.out, m, 4 * n, true);
      std::fill(sums.begin(), sums.end(), 0.0f);
      memcpy(sums.data(), out, r.matmul.accumulate ? 4 * n : 0);
      for (uint64_t d = 0; d < k; ++d) {
        const float factor = element(LLMC_ELEMENT_F16, a, d);
        for (uint64_t i = 0; i < n; ++i)
          sums[i] += factor * b[d * n + i];
      }
      for (uint64_t i = 0; isScores && i < n; ++i)
        sums[i] *= r.matmul.scale;
      memcpy(out, sums.data(), 4 * n);
    }
  }

  uint64_t vector() {
    const auto r = registers<VectorRegisters>();
    subRows = std::max(r.subRows, 1u);
    columns = valueOf(r.columns);
    const uint64_t rows = valueOf(r.tokens) * subRows, width = std::max<uint64_t>(columns, 1);
    if (r.nSteps > maxSteps || rows > 2 * machine.memories[0].bytes / width)
      fail("has more than 64 steps, or is larger than SRAM");
    values.assign(width * r.nSteps, 0.0f);
    for (uint64_t row = 0; row < rows; ++row)
      for (uint32_t i = 0; i < r.nSteps; ++i)
        step(r, i, row);
    return startCycles + rows * r.nSteps * (columns / machine.vector_lanes + 1);
  }

  /// Every value is a row; a number for a whole row is one of equal columns.
  void step(const VectorRegisters &r, uint32_t index, uint64_t row) {
    const llmc_chain_step &s = r.steps[index];
    if (s.step >= LLMC_STEP_COUNT || s.a >= r.nSteps || s.b >= r.nSteps || s.operand >= maxOperands)
      fail("a step is none, or reads what is not there");
    const uint64_t width = std::max<uint64_t>(columns, 1),
                   last = uint64_t(argument(r.positionArgument)) + r.firstToken + row / subRows,
                   visible = std::min(last + 1, columns);
    float *out = &values[index * width], *a = &values[s.a * width], *b = &values[s.b * width];
    if (s.step >= LLMC_STEP_LOAD_GROUP || s.step <= LLMC_STEP_LOAD_SCALAR)
      move(s, r.operands[s.operand], row, a, out);
    else if (s.step >= LLMC_STEP_SUM_LANES && s.step <= LLMC_STEP_ABS_MAX)
      std::fill(out, out + width,
                s.step == LLMC_STEP_SUM_LANES ? llmc_sum16(a, uint32_t(columns))
                : s.step == LLMC_STEP_ABS_MAX ? llmc_absmax(a, uint32_t(columns))
                                              : llmc_max(a, uint32_t(visible)));
    else if (s.step == LLMC_STEP_MASK_VISIBLE)
      std::fill(std::copy(a, a + visible, out), out + width, 0.0f);
    else
      for (uint64_t i = 0; i < width; ++i)
        out[i] = compute(s, a[i], b[i]);
  }

  /// Loads and stores.
  void move(const llmc_chain_step &s, const llmc_command_operand &o, uint64_t row,
            const float *from, float *to) {
    const bool isScalar = s.step == LLMC_STEP_LOAD_SCALAR || s.step == LLMC_STEP_STORE_SCALAR,
               isStore = s.step >= LLMC_STEP_STORE_MATRIX;
    uint64_t group = s.step == LLMC_STEP_LOAD_GROUP ? std::min(std::max(1.0f, s.imm), 1e9f) : 1;
    const uint64_t count = isScalar ? 1 : (columns + group - 1) / group;
    uint8_t *at = rowOf(o, s.step == LLMC_STEP_LOAD_ROW ? 0 : row, bytesOf(o.type, count), isStore);
    for (uint64_t i = 0; isStore && i < count; ++i)
      store(o.type, from[i], at, i);
    for (uint64_t i = 0; !isStore && i < std::max(columns, count); ++i)
      to[i] = element(o.type, at, isScalar ? 0 : i / group);
  }

  static uint64_t bytesOf(uint32_t type, uint64_t count) {
    static constexpr uint8_t bits[] = {32, 16, 8, 4, 32, 8, 4};
    return (count * bits[type % sizeof bits] + 7) / 8;
  }

  static float element(uint32_t type, const uint8_t *row, uint64_t i) {
    const uint8_t *at = row + i * bytesOf(type, 2) / 2;
    const int nibble = *at >> i % 2 * 4 & 15;
    uint32_t bits = 0;
    memcpy(&bits, at, bytesOf(type, 1));
    return type == LLMC_ELEMENT_F32   ? llmc_float(bits)
           : type == LLMC_ELEMENT_F16 ? llmc_f16_bits_to_f32(uint16_t(bits))
           : type == LLMC_ELEMENT_I8  ? float(int8_t(bits))
                                      : float(type == LLMC_ELEMENT_I4 ? (nibble ^ 8) - 8 : nibble);
  }

  static void store(uint32_t type, float value, uint8_t *row, uint64_t i) {
    const uint32_t bits = type == LLMC_ELEMENT_F32   ? llmc_bits(value)
                          : type == LLMC_ELEMENT_F16 ? llmc_f32_to_f16(value)
                                                     : uint8_t(llmc_quantize_i8(value, 1.0f));
    memcpy(row + bytesOf(type, i), &bits, bytesOf(type, 1));
  }

  static float compute(const llmc_chain_step &s, float a, float b) {
    static float (*const functions[])(float) = {llmc_recip, llmc_rsqrt, llmc_exp, llmc_sigmoid,
                                                llmc_round_f16};
    const float results[] = {a + b, a - b, a * b, a > b ? a : b, a < b ? a : b};
    if (s.step >= LLMC_STEP_ADD && s.step <= LLMC_STEP_MIN)
      return results[s.step - LLMC_STEP_ADD];
    if (s.step >= LLMC_STEP_RECIP && s.step <= LLMC_STEP_ROUND_F16)
      return functions[s.step - LLMC_STEP_RECIP](a);
    if (s.step == LLMC_STEP_KEEP_GE)
      return b >= s.imm ? a : 0.0f;
    if (s.step == LLMC_STEP_INVERSE_SCALE)
      return llmc_activation_inverse_scale(a);
    return s.step == LLMC_STEP_CONSTANT ? s.imm : llmc_activation_scale(a);
  }

  const int32_t nArguments;
  const uint32_t *const arguments;
  std::vector<uint8_t> sram;
  std::vector<Granule> granules[2]; ///< Of scratch and SRAM.
  llmc_operand_view memories[LLMC_SPACE_COUNT];
  uint64_t subRows = 1, columns = 0;
  std::vector<float> values; ///< Of the steps of a chain, a row each.
};
} // namespace brook
