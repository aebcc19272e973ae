// Writes npu commands: the vocabulary of tiling, without its decisions.
#pragma once

#include "dialects/Npu/Npu.h"
#include "dialects/Npu/NpuAccess.h"

#include <string>

namespace llmc::passes {

/// Rows of an lm tensor: element (token, column) lies at offset + token*tokenStride + column*size,
/// of a buffer, or of an off-chip space where there is none.
struct TileTensor {
  mlir::Value buffer;
  npu::Element element = npu::Element::F32;
  int64_t rows = 0, columns = 0;
  int64_t offset = 0, tokenStride = 0;
  npu::Space space = npu::Space::Scratch; ///< Without a buffer.
  /// Bytes between the heads of a row where they do not lie side by side; a row then has no other
  /// parts.
  int64_t headStride = 0;
  /// Moves the rows, by at most argumentBytes.
  int64_t argument = -1, argumentStride = 0, argumentBytes = 0;

  bool isOffChip() const { return !buffer; }
  int64_t elementBytes() const { return npu::bitsOf(element) / 8; }
  int64_t bytes() const { return (rows - 1) * tokenStride + columns * elementBytes(); }

  bool sharesPlaceWith(const TileTensor &other) const {
    return buffer == other.buffer && offset == other.offset;
  }

  /// The part of rows [first, first + count).
  TileTensor rowsFrom(int64_t first, int64_t count) const {
    TileTensor part = *this;
    part.rows = count;
    part.offset += first * tokenStride;
    return part;
  }
  /// The part of columns [first, first + count).
  TileTensor columnsFrom(int64_t first, int64_t count) const {
    TileTensor part = *this;
    part.columns = count;
    part.offset += first * elementBytes();
    return part;
  }
};

/// A tensor kept in scratch. Offsets are apart from each other until placeScratch() lets those
/// share bytes that do not live together.
struct ScratchTensor {
  std::string label;
  int64_t offset = 0, bytes = 0;
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

  /// Declares a buffer at the head of the program. A stream buffer is filled by one load, which may
  /// run ahead.
  mlir::Value buffer(const std::string &label, int64_t bytes, bool stream = false);
  TileTensor tensor(const std::string &label, int64_t rows, int64_t columns, npu::Element element);
  TileTensor scratchTensor(const std::string &label, int64_t rows, int64_t columns,
                           npu::Element element);
  llvm::ArrayRef<ScratchTensor> scratchTensors() const { return scratch; }

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
  /// Bytes of a memory that kernels address themselves.
  mlir::Value view(const std::string &label, npu::PlaceAttr place, int64_t bytes);
  mlir::Value gather(const std::string &label, npu::PlaceAttr table, int64_t recordBytes,
                     int64_t rows, npu::PlaceAttr ids, int64_t bound);

  npu::MatmulOp matmul(const std::string &label, npu::MatmulKind kind,
                       llvm::ArrayRef<OperandView> operands, int64_t tokens, int64_t subRows,
                       Size n, Size k, lm::FormatAttr format, mlir::FloatAttr scale,
                       bool accumulate, npu::Epilogue epilogue = npu::Epilogue::Store);

  /// Operands: rows, packed rows.
  npu::PackRowsOp packRows(const std::string &label, llvm::ArrayRef<OperandView> operands,
                           int64_t tokens, int64_t columns, int64_t group);
  /// Operands: ids, table, out.
  npu::EmbedRowsOp embedRows(const std::string &label, llvm::ArrayRef<OperandView> operands,
                             int64_t tokens, int64_t columns, lm::FormatAttr format);
  /// Operands: queries, keys, values, out. Strides and capacity are those of `state`.
  void attention(const std::string &label, llvm::ArrayRef<OperandView> operands, int64_t tokens,
                 int64_t heads, lm::KvStateOp state, mlir::FloatAttr scale,
                 int64_t positionArgument);

  /// The tensor where commands can read it: itself, or loaded into a stream buffer.
  TileTensor onChip(const std::string &label, const TileTensor &tensor);

  npu::AccessAttr access(const OperandView &view);
  npu::ExtentAttr extent(Size size);

private:
  struct Operands {
    llvm::SmallVector<mlir::Value> buffers;
    mlir::ArrayAttr accesses;
  };
  Operands operandsOf(llvm::ArrayRef<OperandView> views);

  mlir::OpBuilder &builder;
  npu::ProgramOp program;
  mlir::Operation *lastBuffer = nullptr;
  llvm::SmallVector<ScratchTensor, 4> scratch;
};

/// Takes a result part by part: in place, or through a few small buffers by turns where it lies off
/// chip.
class Outlet {
public:
  /// No part is larger than `rows` by `columns`.
  Outlet(ProgramBuilder &program, std::string label, const TileTensor &whole, int64_t rows,
         int64_t columns)
      : program(program), label(std::move(label)), whole(whole), rows(rows), columns(columns) {}

  /// Where the next part is to be computed.
  TileTensor open(int64_t firstRow, int64_t rowCount, int64_t firstColumn, int64_t columnCount);
  /// Sends it off, once it is.
  void close();

private:
  ProgramBuilder &program;
  std::string label;
  TileTensor whole;
  int64_t rows, columns;
  llvm::SmallVector<TileTensor, 4> turns;
  TileTensor part, place; ///< Of the open part: on chip, and in `whole`.
  size_t next = 0;
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

/// How rows of a tensor of this type are stored.
npu::Element tileElementOf(mlir::Type type);

/// A whole tensor as an operand. It lies on chip.
OperandView viewOf(const TileTensor &tensor);

} // namespace llmc::passes
