// Writes npu commands: the vocabulary of tiling, without its decisions.
#pragma once

#include "dialects/Npu/Npu.h"
#include "dialects/Npu/NpuAccess.h"

#include <string>

namespace llmc::passes {

/// Rows of an lm tensor in a buffer: element (token, column) lies at offset + token*tokenStride +
/// column*size.
struct TileTensor {
  mlir::Value buffer;
  npu::Element element = npu::Element::F32;
  int64_t rows = 0, columns = 0;
  int64_t offset = 0, tokenStride = 0;

  int64_t bytes() const { return (rows - 1) * tokenStride + columns * npu::bitsOf(element) / 8; }
};

/// A size that may be a run-time argument.
struct Size {
  int64_t value = 0;
  int64_t argument = -1;
};

/// One of the two outer counts of a store, with its strides in bytes.
struct StoreRows {
  Size count;
  int64_t placeStride = 0, bufferStride = 0;
};

/// How a command addresses an operand.
struct OperandView {
  mlir::Value buffer;
  npu::Element element = npu::Element::F32;
  int64_t offset = 0, tokenStride = 0, subStride = 0, bytes = 0;
  int64_t argument = -1, argumentStride = 0;
};

class ProgramBuilder {
public:
  ProgramBuilder(mlir::OpBuilder &builder, npu::ProgramOp program)
      : builder(builder), program(program) {}

  mlir::OpBuilder &ops() { return builder; }
  mlir::Location loc() { return program.getLoc(); }

  /// Declares a buffer at the head of the program. Stream buffers go to the ring.
  mlir::Value buffer(const std::string &label, int64_t bytes, bool stream = false);
  TileTensor tensor(const std::string &label, int64_t rows, int64_t columns, npu::Element element);

  /// Index of a run-time argument, added where it is not there yet.
  int64_t argument(npu::ArgumentKind kind, int64_t maximum, int64_t of = -1, int64_t immediate = 0);

  npu::PlaceAttr place(npu::Space space, int64_t offset, int64_t argument = -1,
                       int64_t argumentStride = 0, int64_t tripStride = 0);

  /// Loads contiguous bytes into a new buffer. With `run.argument`, that many units of `unit`
  /// bytes, at most run.value bytes.
  mlir::Value load(const std::string &label, npu::PlaceAttr from, Size run, int64_t unit = 1,
                   bool stream = true);
  /// Stores runs of `run` bytes, `outer` by `inner` of them.
  void store(const std::string &label, mlir::Value from, int64_t offset, npu::PlaceAttr to,
             int64_t run, StoreRows outer, StoreRows inner = {{1, -1}, 0, 0});
  mlir::Value gather(const std::string &label, npu::PlaceAttr table, int64_t recordBytes,
                     int64_t rows, npu::PlaceAttr ids, int64_t bound);

  void matmul(const std::string &label, npu::MatmulKind kind, llvm::ArrayRef<OperandView> operands,
              int64_t tokens, int64_t subRows, Size n, Size k, lm::FormatAttr format,
              mlir::FloatAttr scale, bool accumulate);

  npu::AccessAttr access(const OperandView &view);
  npu::ExtentAttr extent(Size size);

private:
  mlir::OpBuilder &builder;
  npu::ProgramOp program;
  mlir::Operation *lastBuffer = nullptr;
};

/// Collects the steps of one vector chain.
class ChainBuilder {
public:
  ChainBuilder(ProgramBuilder &program, int64_t tokens, int64_t subRows, Size columns)
      : program(program), tokens(tokens), subRows(subRows), columns(columns) {}

  void setPosition(int64_t argument, int64_t first) {
    positionArgument = argument, firstToken = first;
  }

  int64_t load(npu::StepKind kind, const OperandView &view, float imm = 0);
  int64_t step(npu::StepKind kind, int64_t a, int64_t b = -1);
  int64_t keepGe(int64_t value, int64_t against, float threshold);
  int64_t constant(float value);
  /// value * sigmoid(value)
  int64_t silu(int64_t value);
  void store(npu::StepKind kind, const OperandView &view, int64_t value);
  void finish(const std::string &label);

private:
  int64_t push(npu::StepKind kind, int64_t a, int64_t b, int64_t operand, mlir::FloatAttr imm = {});
  int64_t operand(const OperandView &view);

  ProgramBuilder &program;
  int64_t tokens, subRows;
  Size columns;
  int64_t positionArgument = -1, firstToken = 0;
  llvm::SmallVector<mlir::Value> buffers;
  llvm::SmallVector<mlir::Attribute> accesses, steps;
};

/// A whole tensor as an operand.
OperandView viewOf(const TileTensor &tensor);

} // namespace llmc::passes
