#include "targets/Llvm/AttentionKernel.h"

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"
#include "targets/Llvm/TransposeHalves.h"

#include <cmath>
#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr unsigned width = 2;       ///< Vectors of outputs.
constexpr uint64_t runLength = 256; ///< Of k.
constexpr uint64_t panelRow = width * kLanes * 4;

class AttentionEmitter {
public:
  AttentionEmitter(Emitter &emitter, const Matmul &matmul,
                   const std::vector<KernelOperand> &operands)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), matmul(matmul), operands(operands),
        scores(matmul.kind == MatmulKind::Scores), height(emitter.isa.vectorBits >= 512 ? 8 : 2) {}

  void run();

private:
  using Sums = Emitter::Values; ///< [row][vector]

  void columns(Value *from);
  void products(Value *from, Value *firstK, Value *endK);
  void unit(Value *from, Value *row, Value *firstK, Value *length);
  Sums sumsBefore(Value *from, Value *row, Value *firstK);

  void transposedPanel(Value *from, Value *firstK, Value *length);
  void panel(Value *from, Value *firstK, Value *length);
  void widenRow(Value *from, Value *to, Value *length);
  void storeHalves(Value *halves, Value *row, unsigned vector);
  Value *loadHalves(Value *from, Value *rest, unsigned lanes);

  Value *rowOf(unsigned operand, Value *row) {
    const KernelOperand &where = operands[operand];
    return e.rowOf(operand, where.tokenStride, where.subStride, matmul.subRows, row);
  }
  Value *output(Value *row, Value *from, unsigned vector) {
    return e.at(rowOf(matmul::Out, row),
                ir.CreateShl(ir.CreateAdd(from, e.index(vector * kLanes)), 2));
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  const Matmul &matmul;
  const std::vector<KernelOperand> &operands;
  const bool scores;
  const unsigned height; ///< Rows whose sums stay in registers.
  Value *n = nullptr, *k = nullptr, *firstRow = nullptr, *endRow = nullptr;
  Value *wideB = nullptr, *wideA = nullptr;
  Value *lanes[width] = {}; ///< Outputs that exist, of the current columns.
};

void AttentionEmitter::run() {
  n = e.extent(matmul.n);
  k = e.extent(matmul.k);
  wideB = e.stack(runLength * panelRow);
  wideA = e.stack(runLength * height * 4);
  std::tie(firstRow, endRow) =
      e.share(ir.CreateMul(e.extent(matmul.tokens), e.index(matmul.subRows)));
  e.when(ir.CreateICmpULT(firstRow, endRow),
         [&] { e.loop(e.index(0), n, width * kLanes, [&](Value *from) { columns(from); }); });
}

void AttentionEmitter::columns(Value *from) {
  Value *rest = ir.CreateSub(n, from);
  for (unsigned v = 0; v < width; ++v)
    lanes[v] = e.firstLanes(
        ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, rest, e.index(v * kLanes)));
  e.loop(e.index(0), k, runLength, [&](Value *firstK) {
    products(from, firstK, e.smaller(ir.CreateAdd(firstK, e.index(runLength)), k));
  });
  if (matmul.accumulate || (matmul.k.argument < 0 && matmul.k.value != 0))
    return;
  // A sum of nothing.
  e.when(ir.CreateICmpEQ(k, e.index(0)), [&] {
    Value *nothing = e.splat(e.f32(0.0f * matmul.scale));
    e.loop(firstRow, endRow, 1, [&](Value *row) {
      for (unsigned v = 0; v < width; ++v)
        ir.CreateMaskedStore(nothing, output(row, from, v), llvm::Align(4), lanes[v]);
    });
  });
}

void AttentionEmitter::products(Value *from, Value *firstK, Value *endK) {
  Value *length = ir.CreateSub(endK, firstK);
  if (scores)
    transposedPanel(from, firstK, length);
  else
    panel(from, firstK, length);
  e.loop(firstRow, endRow, height, [&](Value *row) { unit(from, row, firstK, length); });
}

/// Halves from `from` on, `rest` of them; +0 behind.
Value *AttentionEmitter::loadHalves(Value *from, Value *rest, unsigned vector) {
  llvm::Type *type = e.vector(ir.getInt16Ty());
  Value *exist = rest ? e.firstLanes(rest) : lanes[vector];
  return ir.CreateMaskedLoad(type, from, llvm::Align(2), exist, llvm::Constant::getNullValue(type));
}

void AttentionEmitter::storeHalves(Value *halves, Value *row, unsigned vector) {
  Value *to = e.at(wideB, ir.CreateMul(row, e.index(panelRow)));
  ir.CreateAlignedStore(numerics.fromHalfBits(halves, e.isa.halfConversion),
                        e.at(to, vector * kLanes * 4), llvm::Align(64));
}

/// Values: B's rows are k.
void AttentionEmitter::panel(Value *from, Value *firstK, Value *length) {
  e.loop(e.index(0), length, 1, [&](Value *index) {
    Value *row =
        ir.CreateMul(ir.CreateAdd(firstK, index), e.index(operands[matmul::B].tokenStride));
    Value *at = e.at(e.operand(matmul::B), ir.CreateAdd(row, ir.CreateShl(from, 1)));
    for (unsigned v = 0; v < width; ++v)
      storeHalves(loadHalves(e.at(at, v * kLanes * 2), nullptr, v), index, v);
  });
}

/// Scores: B's rows are outputs. 16 rows by 16 of k at a time.
void AttentionEmitter::transposedPanel(Value *from, Value *firstK, Value *length) {
  Value *last = ir.CreateSub(n, e.index(1));
  e.loop(e.index(0), length, kLanes, [&](Value *index) {
    Value *rest = ir.CreateSub(length, index);
    Value *column = ir.CreateShl(ir.CreateAdd(firstK, index), 1);
    for (unsigned v = 0; v < width; ++v) {
      Emitter::Values rows;
      for (unsigned i = 0; i < kLanes; ++i) { // An output that does not exist repeats the last.
        Value *row = e.smaller(ir.CreateAdd(from, e.index(v * kLanes + i)), last);
        Value *offset = ir.CreateMul(row, e.index(operands[matmul::B].tokenStride));
        rows.push_back(
            loadHalves(e.at(e.operand(matmul::B), ir.CreateAdd(offset, column)), rest, v));
      }
      const Emitter::Values columns = transposeHalves(ir, rows);
      for (unsigned i = 0; i < kLanes; ++i) {
        llvm::SmallVector<int, kLanes> half;
        for (unsigned lane = 0; lane < kLanes; ++lane)
          half.push_back(int(i % 2 * kLanes + lane));
        storeHalves(ir.CreateShuffleVector(columns[i / 2], half), ir.CreateAdd(index, e.index(i)),
                    v);
      }
    }
  });
}

void AttentionEmitter::widenRow(Value *from, Value *to, Value *length) {
  e.loop(e.index(0), length, kLanes, [&](Value *index) {
    Value *halves = loadHalves(e.at(from, ir.CreateShl(index, 1)), ir.CreateSub(length, index), 0);
    ir.CreateAlignedStore(numerics.fromHalfBits(halves, e.isa.halfConversion),
                          e.at(to, ir.CreateShl(index, 2)), llvm::Align(64));
  });
}

AttentionEmitter::Sums AttentionEmitter::sumsBefore(Value *from, Value *row, Value *firstK) {
  Sums sums;
  Value *isFirst = ir.CreateICmpEQ(firstK, e.index(0)), *zero = e.splat(e.f32(0.0f));
  for (unsigned r = 0; r < height; ++r) {
    Value *existing = e.smaller(ir.CreateAdd(row, e.index(r)), ir.CreateSub(endRow, e.index(1)));
    for (unsigned v = 0; v < width; ++v) {
      Value *before = ir.CreateMaskedLoad(e.vector(ir.getFloatTy()), output(existing, from, v),
                                          llvm::Align(4), lanes[v], zero);
      sums.push_back(matmul.accumulate ? before : ir.CreateSelect(isFirst, zero, before));
    }
  }
  return sums;
}

void AttentionEmitter::unit(Value *from, Value *row, Value *firstK, Value *length) {
  for (unsigned r = 0; r < height; ++r) {
    Value *existing = e.smaller(ir.CreateAdd(row, e.index(r)), ir.CreateSub(endRow, e.index(1)));
    widenRow(e.at(rowOf(matmul::A, existing), ir.CreateShl(firstK, 1)),
             e.at(wideA, r * runLength * 4), length);
  }
  const auto step = [&](Value *index, llvm::ArrayRef<Value *> state) {
    Sums next(state.begin(), state.end());
    Value *b[width];
    for (unsigned v = 0; v < width; ++v)
      b[v] = ir.CreateAlignedLoad(e.vector(ir.getFloatTy()),
                                  e.at(wideB, ir.CreateAdd(ir.CreateMul(index, e.index(panelRow)),
                                                           e.index(v * kLanes * 4))),
                                  llvm::Align(64));
    for (unsigned r = 0; r < height; ++r) {
      Value *at = e.at(wideA, ir.CreateAdd(ir.CreateShl(index, 2), e.index(r * runLength * 4)));
      Value *a = e.splat(ir.CreateLoad(ir.getFloatTy(), at));
      for (unsigned v = 0; v < width; ++v)
        next[r * width + v] = e.multiplyAdd(a, b[v], next[r * width + v]);
    }
    return next;
  };
  const Sums sums = e.loop(e.index(0), length, 1, sumsBefore(from, row, firstK), step);
  Value *isLast = ir.CreateICmpEQ(ir.CreateAdd(firstK, length), k);
  for (unsigned r = 0; r < height; ++r) {
    Value *at = ir.CreateAdd(row, e.index(r));
    e.when(ir.CreateICmpULT(at, endRow), [&] {
      for (unsigned v = 0; v < width; ++v) {
        Value *sum = sums[r * width + v];
        if (scores)
          sum = ir.CreateSelect(isLast, ir.CreateFMul(sum, e.splat(e.f32(matmul.scale))), sum);
        ir.CreateMaskedStore(sum, output(at, from, v), llvm::Align(4), lanes[v]);
      }
    });
  }
}

bool checkAttention(const Matmul &matmul, const std::vector<KernelOperand> &operands,
                    std::string &error) {
  const bool scores = matmul.kind == MatmulKind::Scores;
  error.clear();
  if (!scores && matmul.kind != MatmulKind::Values)
    error = fmt::format("unknown matmul kind {}", unsigned(matmul.kind));
  else if (matmul.subRows == 0)
    error = "subRows must be at least 1";
  else if (scores && (matmul.accumulate || !std::isfinite(matmul.scale)))
    error = "scores: has a finite scale and does not accumulate";
  else if (!scores && matmul.scale != 1.0f)
    error = "values: takes no scale";
  else if (operands.size() != 4)
    error = fmt::format("attention: {} operands, not 4", operands.size());
  else if (operands[matmul::A].type != ElementType::F16 ||
           operands[matmul::B].type != ElementType::F16 ||
           operands[matmul::Out].type != ElementType::F32 || operands[matmul::B].subStride != 0)
    error = "attention: a and b must be f16, out f32, and b has no sub-rows";
  return error.empty();
}

} // namespace

bool emitAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error) {
  if (!checkAttention(matmul, operands, error))
    return false;
  Emitter emitter(module, isa, name, operands);
  AttentionEmitter(emitter, matmul, operands).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
