// Writes npu commands: the vocabulary of tiling, without its decisions.
#include "passes/Tiling/ProgramBuilder.h"

using namespace mlir;

namespace llmc::passes {

Value ProgramBuilder::buffer(const std::string &label, int64_t bytes, bool stream) {
  OpBuilder::InsertionGuard guard(builder);
  if (lastBuffer)
    builder.setInsertionPointAfter(lastBuffer);
  else
    builder.setInsertionPointToStart(&program.getBody().front());
  auto op = npu::BufferOp::create(builder, loc(), builder.getType<npu::BufferType>(),
                                  builder.getStringAttr(label), builder.getI64IntegerAttr(bytes),
                                  stream ? builder.getUnitAttr() : UnitAttr(), IntegerAttr());
  lastBuffer = op;
  return op;
}

TileTensor ProgramBuilder::tensor(const std::string &label, int64_t rows, int64_t columns,
                                  npu::Element element) {
  TileTensor result{{}, element, rows, columns, 0, columns * npu::bitsOf(element) / 8};
  result.buffer = buffer(label, rows * result.tokenStride);
  return result;
}

TileTensor ProgramBuilder::scratchTensor(const std::string &label, int64_t rows, int64_t columns,
                                         npu::Element element) {
  TileTensor result{{}, element, rows, columns, 0, columns * npu::bitsOf(element) / 8};
  if (!scratch.empty())
    result.offset = scratch.back().offset + scratch.back().bytes;
  scratch.push_back({label, result.offset, rows * result.tokenStride});
  return result;
}

int64_t ProgramBuilder::argument(npu::ArgumentKind kind, int64_t maximum, int64_t of,
                                 int64_t immediate) {
  auto wanted = npu::ArgumentAttr::get(builder.getContext(), kind, maximum, of, immediate);
  SmallVector<Attribute> arguments(program.getArguments().begin(), program.getArguments().end());
  for (auto [index, known] : llvm::enumerate(arguments))
    if (known == wanted)
      return int64_t(index);
  arguments.push_back(wanted);
  program.setArgumentsAttr(builder.getArrayAttr(arguments));
  return int64_t(arguments.size()) - 1;
}

npu::PlaceAttr ProgramBuilder::place(npu::Space space, int64_t offset, int64_t argument,
                                     int64_t argumentStride, int64_t tripStride) {
  return npu::PlaceAttr::get(builder.getContext(), space, offset, argument, argumentStride,
                             tripStride);
}

npu::ExtentAttr ProgramBuilder::extent(Size size) {
  return npu::ExtentAttr::get(builder.getContext(), size.value, size.argument);
}

npu::AccessAttr ProgramBuilder::access(const OperandView &view) {
  return npu::AccessAttr::get(builder.getContext(), view.element, view.bytes, view.offset,
                              view.tokenStride, view.subStride, view.argument, view.argumentStride);
}

Value ProgramBuilder::load(const std::string &label, npu::PlaceAttr from, Size run, int64_t unit,
                           bool stream) {
  Value into = buffer(label, run.value, stream);
  SmallVector<Attribute> ones(2, extent({1, -1}));
  npu::DmaOp::create(builder, loc(), into, UnitAttr(), from, builder.getI64IntegerAttr(0),
                     extent(run), builder.getI64IntegerAttr(unit), builder.getArrayAttr(ones),
                     builder.getDenseI64ArrayAttr({0, 0}), builder.getDenseI64ArrayAttr({0, 0}),
                     npu::PlaceAttr(), builder.getI64IntegerAttr(0), builder.getStringAttr(label),
                     ArrayAttr());
  return into;
}

void ProgramBuilder::store(const std::string &label, Value from, int64_t offset, npu::PlaceAttr to,
                           int64_t run, StoreRows outer, StoreRows inner) {
  SmallVector<Attribute> counts = {extent(outer.count), extent(inner.count)};
  npu::DmaOp::create(
      builder, loc(), from, builder.getUnitAttr(), to, builder.getI64IntegerAttr(offset),
      extent({run, -1}), builder.getI64IntegerAttr(1), builder.getArrayAttr(counts),
      builder.getDenseI64ArrayAttr({outer.placeStride, inner.placeStride}),
      builder.getDenseI64ArrayAttr({outer.bufferStride, inner.bufferStride}), npu::PlaceAttr(),
      builder.getI64IntegerAttr(0), builder.getStringAttr(label), ArrayAttr());
}

TileTensor ProgramBuilder::onChip(const std::string &label, const TileTensor &tensor) {
  if (!tensor.isOffChip())
    return tensor;
  TileTensor loaded = tensor;
  loaded.buffer = load(label, place(tensor.space, tensor.offset), {tensor.bytes(), -1});
  loaded.offset = 0;
  return loaded;
}

Value ProgramBuilder::gather(const std::string &label, npu::PlaceAttr table, int64_t recordBytes,
                             int64_t rows, npu::PlaceAttr ids, int64_t bound) {
  Value into = buffer(label, rows * recordBytes, /*stream=*/true);
  SmallVector<Attribute> counts = {extent({rows, -1}), extent({1, -1})};
  npu::DmaOp::create(builder, loc(), into, UnitAttr(), table, builder.getI64IntegerAttr(0),
                     extent({recordBytes, -1}), builder.getI64IntegerAttr(1),
                     builder.getArrayAttr(counts), builder.getDenseI64ArrayAttr({recordBytes, 0}),
                     builder.getDenseI64ArrayAttr({recordBytes, 0}), ids,
                     builder.getI64IntegerAttr(bound), builder.getStringAttr(label), ArrayAttr());
  return into;
}

ProgramBuilder::Operands ProgramBuilder::operandsOf(ArrayRef<OperandView> views) {
  Operands operands;
  SmallVector<Attribute> accesses;
  for (const OperandView &view : views) {
    operands.buffers.push_back(view.buffer);
    accesses.push_back(access(view));
  }
  operands.accesses = builder.getArrayAttr(accesses);
  return operands;
}

Value ProgramBuilder::view(const std::string &label, npu::PlaceAttr place, int64_t bytes) {
  return npu::ViewOp::create(builder, loc(), builder.getType<npu::BufferType>(), label, place,
                             bytes, /*slot=*/IntegerAttr(), /*second=*/IntegerAttr());
}

npu::PackRowsOp ProgramBuilder::packRows(const std::string &label, ArrayRef<OperandView> operands,
                                         int64_t tokens, int64_t columns, int64_t group) {
  auto [buffers, accesses] = operandsOf(operands);
  return npu::PackRowsOp::create(builder, loc(), buffers, accesses, extent({tokens, -1}), columns,
                                 group, label);
}

npu::EmbedRowsOp ProgramBuilder::embedRows(const std::string &label, ArrayRef<OperandView> operands,
                                           int64_t tokens, int64_t columns, lm::FormatAttr format) {
  auto [buffers, accesses] = operandsOf(operands);
  return npu::EmbedRowsOp::create(builder, loc(), buffers, accesses, extent({tokens, -1}), columns,
                                  format, label, /*gathered=*/IntegerAttr());
}

void ProgramBuilder::attention(const std::string &label, ArrayRef<OperandView> operands,
                               int64_t tokens, int64_t heads, lm::KvStateOp state, FloatAttr scale,
                               int64_t positionArgument) {
  auto [buffers, accesses] = operandsOf(operands);
  auto number = [&](uint64_t value) { return builder.getI64IntegerAttr(int64_t(value)); };
  npu::AttentionOp::create(builder, loc(), buffers, accesses, extent({tokens, -1}), number(heads),
                           number(state.getKvHeads()), number(state.getHeadDim()),
                           number(state.getCapacity()), scale, number(positionArgument),
                           builder.getStringAttr(label));
}

npu::MatmulOp ProgramBuilder::matmul(const std::string &label, npu::MatmulKind kind,
                                     ArrayRef<OperandView> operands, int64_t tokens,
                                     int64_t subRows, Size n, Size k, lm::FormatAttr format,
                                     FloatAttr scale, bool accumulate, npu::Epilogue epilogue) {
  auto [buffers, accesses] = operandsOf(operands);
  return npu::MatmulOp::create(
      builder, loc(), buffers, accesses, npu::MatmulKindAttr::get(builder.getContext(), kind),
      extent({tokens, -1}), builder.getI64IntegerAttr(subRows), extent(n), extent(k), format, scale,
      accumulate ? builder.getUnitAttr() : UnitAttr(),
      npu::EpilogueAttr::get(builder.getContext(), epilogue), builder.getStringAttr(label),
      ArrayAttr());
}

npu::Element tileElementOf(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF16()        ? npu::Element::F16
         : element.isInteger(8) ? npu::Element::I8
                                : npu::Element::F32;
}

OperandView viewOf(const TileTensor &tensor) {
  assert(!tensor.isOffChip() && "commands compute on chip");
  return {tensor.buffer,
          tensor.element,
          tensor.offset,
          tensor.tokenStride,
          0,
          tensor.bytes() + tensor.argumentBytes,
          tensor.argument,
          tensor.argumentStride};
}

TileTensor Outlet::open(int64_t firstRow, int64_t rowCount, int64_t firstColumn,
                        int64_t columnCount) {
  place = whole.rowsFrom(firstRow, rowCount).columnsFrom(firstColumn, columnCount);
  if (!whole.isOffChip())
    return part = place;
  // Storing one part does not hold up the next; more than two have room where nothing is staged.
  size_t turn = next++ % (whole.space == npu::Space::Scratch ? 2 : 4);
  if (turn == turns.size())
    turns.push_back(program.tensor(label + std::to_string(turn), rows, columns, whole.element));
  return part = turns[turn].rowsFrom(0, rowCount).columnsFrom(0, columnCount);
}

void Outlet::close() {
  if (whole.isOffChip())
    program.store(label, part.buffer, 0, program.place(whole.space, place.offset),
                  part.columns * part.elementBytes(),
                  {{part.rows, -1}, whole.tokenStride, part.tokenStride});
}

int64_t ChainBuilder::push(npu::StepKind kind, int64_t a, int64_t b, int64_t operand,
                           FloatAttr imm) {
  steps.push_back(npu::StepAttr::get(program.ops().getContext(), kind, a, b, operand, imm));
  return int64_t(steps.size()) - 1;
}

int64_t ChainBuilder::operand(const OperandView &view) {
  npu::AccessAttr access = program.access(view);
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i] == view.buffer && accesses[i] == access)
      return int64_t(i);
  buffers.push_back(view.buffer);
  accesses.push_back(access);
  return int64_t(buffers.size()) - 1;
}

int64_t ChainBuilder::load(npu::StepKind kind, const OperandView &view, float imm) {
  return push(kind, -1, -1, operand(view),
              imm == 0 ? FloatAttr() : program.ops().getF32FloatAttr(imm));
}

int64_t ChainBuilder::step(npu::StepKind kind, int64_t a, int64_t b) {
  return push(kind, a, b, -1);
}

int64_t ChainBuilder::keepGe(int64_t value, int64_t against, float threshold) {
  return push(npu::StepKind::KeepGe, value, against, -1, program.ops().getF32FloatAttr(threshold));
}

int64_t ChainBuilder::constant(float value) {
  return push(npu::StepKind::Constant, -1, -1, -1, program.ops().getF32FloatAttr(value));
}

int64_t ChainBuilder::silu(int64_t value) {
  return step(npu::StepKind::Mul, value, step(npu::StepKind::Sigmoid, value));
}

void ChainBuilder::store(npu::StepKind kind, const OperandView &view, int64_t value) {
  push(kind, value, -1, operand(view));
}

void ChainBuilder::finish(const std::string &label) {
  OpBuilder &builder = program.ops();
  npu::ChainOp::create(builder, program.loc(), buffers, builder.getArrayAttr(accesses),
                       program.extent({tokens, -1}), builder.getI64IntegerAttr(subRows),
                       program.extent(columns), builder.getI64IntegerAttr(positionArgument),
                       builder.getI64IntegerAttr(firstToken), builder.getArrayAttr(steps),
                       builder.getStringAttr(label), ArrayAttr());
}

} // namespace llmc::passes
