#include "test/unit/compiler/InterpretedTarget.h"

#include "targets/Reference/ReferenceKernel.h"
#include "targets/Reference/WeightMatrix.h"

#include "catch2/catch.hpp"

#include <cstring>

using namespace llmc::target;

namespace llmc::test {

namespace {

/// The parts of a packed row: elements a byte each, multipliers, scales.
struct RowParts {
  uint32_t columns, multipliers, scales, scaleBytes;

  RowParts(const WeightFormat &format, uint32_t columns) : columns(columns) {
    const uint32_t groups = rowRecord(format, columns).groups;
    const bool byGroup = format.scale == ScaleKind::F16Group || format.scale == ScaleKind::F32Group;
    multipliers = format.scale == ScaleKind::MultiplierF32Row ? groups : 0;
    scales = byGroup ? groups : 1;
    scaleBytes = format.scale == ScaleKind::F16Group ? 2 : 4;
  }
  uint64_t bytes() const { return uint64_t(columns) + multipliers + scales * scaleBytes; }
};

template <class T>
void append(std::vector<uint8_t> &out, const T *values, uint64_t first, uint64_t count) {
  if (values && count)
    out.insert(out.end(), reinterpret_cast<const uint8_t *>(values + first),
               reinterpret_cast<const uint8_t *>(values + first + count));
}

template <class T> void take(const uint8_t *&from, std::vector<T> &into, uint64_t count) {
  into.resize(into.size() + count);
  std::memcpy(into.data() + into.size() - count, from, count * sizeof(T));
  from += count * sizeof(T);
}

WeightMatrix unpack(const WeightFormat &format, uint32_t rows, uint32_t columns,
                    const uint8_t *from) {
  const RowParts parts(format, columns);
  WeightMatrix matrix;
  matrix.format = format;
  matrix.rows = rows;
  matrix.columns = columns;
  for (uint32_t row = 0; row < rows; ++row) {
    take(from, matrix.elements, columns);
    take(from, matrix.multipliers, parts.multipliers);
    if (format.scale == ScaleKind::F16Group)
      take(from, matrix.halfScales, parts.scales);
    else
      take(from, format.scale == ScaleKind::F32Group ? matrix.groupScales : matrix.rowScales,
           parts.scales);
  }
  return matrix;
}

uint32_t valueOf(const Extent &extent, const std::vector<uint32_t> &params) {
  return extent.argument < 0 ? extent.value : params[size_t(extent.argument)];
}

/// Its own order is that of the rows, from the last column to the first.
void reverseRows(const PackRows &pack, const KernelOperand &rows, uint32_t tokens,
                 const uint8_t *from, uint8_t *to) {
  for (uint32_t token = 0; token < tokens; ++token)
    for (uint32_t column = 0; column < pack.columns; ++column)
      to[uint64_t(token) * pack.columns + column] =
          from[uint64_t(token) * rows.tokenStride + pack.columns - 1 - column];
}

} // namespace

InterpretedTarget::InterpretedTarget(const Machine &like, Claims claims, bool packs)
    : all{like}, claims(std::move(claims)), packs(packs) {
  all[0].name = "partial";
  all[0].target = backend;
}

Verdict InterpretedTarget::supports(const Machine &, const KernelWork &work) const {
  const std::string reason = claims(work);
  return {reason.empty(), reason};
}

uint64_t InterpretedTarget::packedBytes(const Machine &, const WeightFormat &format, uint32_t rows,
                                        uint32_t columns) const {
  return rows * RowParts(format, columns).bytes();
}

uint64_t InterpretedTarget::packedRowsBytes(const Machine &, const PackRows &pack) const {
  return packs ? uint64_t(pack.tokens.value) * pack.columns : 0;
}

void InterpretedTarget::pack(const Machine &, const WeightRows &rows,
                             std::vector<uint8_t> &out) const {
  const RowParts parts(rows.format, rows.columns);
  for (uint64_t row = 0; row < rows.rows; ++row) {
    append(out, rows.elements, row * rows.columns, rows.columns);
    append(out, rows.multipliers, row * parts.multipliers, parts.multipliers);
    switch (rows.format.scale) {
    case ScaleKind::F16Group:
      append(out, rows.halfScales, row * parts.scales, parts.scales);
      break;
    case ScaleKind::F32Group:
      append(out, rows.groupScales, row * parts.scales, parts.scales);
      break;
    default:
      append(out, rows.rowScales, row, 1);
    }
  }
}

std::optional<std::vector<uint8_t>> InterpretedTarget::emit(const Machine &, const Program &,
                                                            std::string &error) const {
  error = "has no command streams";
  return std::nullopt;
}

std::optional<Blob> InterpretedTarget::emitKernels(const Machine &, const Variant &,
                                                   const std::vector<KernelRequest> &kernels,
                                                   const HostServices &, std::string &) const {
  emitted = kernels;
  Blob blob;
  blob.bytes.assign(std::max<size_t>(kernels.size(), 1), 0);
  for (const KernelRequest &kernel : kernels) {
    INFO(kernel.name);
    CHECK(claims(kernel.work).empty());
    blob.entries.push_back({kernel.name, uint32_t(blob.entries.size()), 64});
  }
  return blob;
}

LateDevice::LateDevice(const rt::Plan &plan, const InterpretedTarget &target)
    : plan(plan), target(target) {
  device.struct_size = sizeof(device);
  device.abi = LLMC_DEVICE_ABI;
  device.ctx = this;
  device.match = [](void *, const llmc_target_info *) -> llmc_status { return rt::Status(); };
  device.submit = submit;
  device.poll = poll;
}

llmc_status LateDevice::submit(void *context, const llmc_dispatch *dispatch) {
  Submission submission{dispatch->kernel, dispatch->tag, {}, {}};
  for (uint32_t i = 0; i < dispatch->n_operands; ++i)
    submission.memory.push_back(static_cast<uint8_t *>(dispatch->operands[i].base));
  submission.params.assign(dispatch->params, dispatch->params + dispatch->n_params);
  static_cast<LateDevice *>(context)->waiting.push_back(std::move(submission));
  return rt::Status();
}

llmc_status LateDevice::poll(void *context, uint32_t, uint32_t tag) {
  auto &self = *static_cast<LateDevice *>(context);
  while (!self.waiting.empty() && int32_t(self.waiting.front().tag - tag) <= 0) {
    self.run(self.waiting.front());
    self.waiting.pop_front();
  }
  return rt::Status();
}

void LateDevice::run(const Submission &submission) {
  ++kernels;
  const KernelRequest &request = target.emitted[plan.kernels()[submission.kernel].entry];
  std::vector<uint8_t *> memory = submission.memory;
  std::vector<KernelOperand> operands = request.operands;
  WeightMatrix matrix;
  WeightRows weights;
  std::vector<uint8_t> rows;
  if (const auto *pack = std::get_if<PackRows>(&request.work))
    return reverseRows(*pack, operands[0], valueOf(pack->tokens, submission.params), memory[0],
                       memory[1]);
  if (const auto *matmul = std::get_if<Matmul>(&request.work)) {
    matrix = unpack(matmul->format, matmul->n.value, matmul->k.value, memory[matmul::B]);
    if (operands[matmul::A].type == ElementType::U8) {
      const uint32_t tokens = valueOf(matmul->tokens, submission.params);
      operands[matmul::A].tokenStride = matmul->k.value;
      rows.resize(uint64_t(tokens) * matmul->k.value);
      reverseRows({{}, 1, matmul->k.value, 0}, operands[matmul::A], tokens, memory[matmul::A],
                  rows.data());
      memory[matmul::A] = rows.data();
    }
  } else if (const auto *embed = std::get_if<EmbedRows>(&request.work)) {
    const uint64_t bytes = RowParts(embed->format, embed->columns).bytes();
    matrix = unpack(embed->format, uint32_t(operands[embed::Table].bytes / bytes), embed->columns,
                    memory[embed::Table]);
  }
  weights = matrix.view();
  runReference({request.work, operands, memory, &weights, submission.params});
}

} // namespace llmc::test
