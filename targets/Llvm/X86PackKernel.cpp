// Activations: padded rows for one-row kernels, panels for the others.
#include "targets/Llvm/X86Linear.h"

#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

X86RowReader::X86RowReader(Emitter &emitter, uint32_t columns) : e(emitter), columns(columns) {
  if (columns % 64 != 0)
    copy = e.stack((uint64_t(columns) + 63) / 64 * 64);
}

Value *X86RowReader::padded(Value *row) {
  if (!copy)
    return row;
  llvm::Type *bytes = e.vector(e.ir.getInt8Ty(), 64);
  const uint64_t whole = columns / 64 * 64;
  e.loop(e.i64(0), e.i64(whole), 64, [&](Value *at) {
    Value *part = e.ir.CreateAlignedLoad(bytes, e.at(row, at), llvm::Align(1));
    e.ir.CreateAlignedStore(part, e.at(copy, at), llvm::Align(64));
  });
  e.ir.CreateAlignedStore(llvm::Constant::getNullValue(bytes), e.at(copy, whole), llvm::Align(64));
  e.loop(e.i64(whole), e.i64(columns), 1, [&](Value *at) {
    e.ir.CreateStore(e.ir.CreateLoad(e.ir.getInt8Ty(), e.at(row, at)), e.at(copy, at));
  });
  return copy;
}

Value *X86RowReader::sum(Value *from, uint32_t count) {
  const unsigned lanes = count % 64 == 0 ? 64 : count % 16 == 0 ? 16 : 8;
  llvm::Type *words = e.vector(e.ir.getInt32Ty(), lanes);
  Value *zero = llvm::Constant::getNullValue(words);
  const Emitter::Values sums =
      e.loop(e.i64(0), e.i64(count), lanes, {zero}, [&](Value *at, llvm::ArrayRef<Value *> state) {
        Value *bytes = e.ir.CreateAlignedLoad(e.vector(e.ir.getInt8Ty(), lanes), e.at(from, at),
                                              llvm::Align(1));
        return Emitter::Values{e.ir.CreateAdd(state[0], e.ir.CreateSExt(bytes, words))};
      });
  return e.ir.CreateAddReduce(sums[0]);
}

namespace {

class PackEmitter {
public:
  PackEmitter(Emitter &emitter, const PackRows &pack, const KernelOperand &source)
      : e(emitter), ir(emitter.ir), reader(emitter, pack.columns), pack(pack), source(source),
        rows(X86PackedRows::of(emitter.isa, pack.columns, pack.group)) {}

  void run() {
    count = ir.CreateMul(e.extent(pack.tokens), e.i64(pack.subRows));
    Value *height = e.i64(rows.panelRows);
    Value *panels = ir.CreateUDiv(ir.CreateAdd(count, e.i64(rows.panelRows - 1)), height);
    const auto [first, end] = e.share(panels);
    e.loop(ir.CreateMul(first, height), ir.CreateMul(end, height), 1, [&](Value *row) {
      Value *panel =
          e.at(e.operand(1), ir.CreateMul(ir.CreateUDiv(row, height), e.i64(rows.panelBytes)));
      Value *lane = ir.CreateURem(row, height);
      e.when(ir.CreateICmpULT(row, count), [&] { one(row, panel, lane); });
      e.when(ir.CreateICmpUGE(row, count), [&] { none(panel, lane); });
    });
  }

private:
  /// Columns that lie beside each other in a panel.
  uint32_t run(const X86PackedRows &packed) const { return packed.tiles ? 64 : 4; }

  Value *place(Value *panel, Value *lane, Value *column) {
    Value *offset = ir.CreateAdd(ir.CreateMul(column, e.i64(rows.panelRows)),
                                 ir.CreateMul(lane, e.i64(run(rows))));
    return e.at(panel, offset);
  }

  void storeSum(Value *panel, Value *lane, Value *group, Value *sum) {
    Value *index = ir.CreateAdd(ir.CreateMul(group, e.i64(rows.panelRows)), lane);
    ir.CreateStore(sum, e.at(panel, ir.CreateAdd(ir.CreateShl(index, 2), e.i64(rows.sums))));
  }

  void one(Value *row, Value *panel, Value *lane) {
    Value *from =
        reader.padded(e.rowOf(0, source.tokenStride, source.subStride, pack.subRows, row));
    llvm::Type *type =
        rows.tiles ? static_cast<llvm::Type *>(e.vector(ir.getInt8Ty(), 64)) : ir.getInt32Ty();
    e.loop(e.i64(0), e.i64(rows.paddedColumns), run(rows), [&](Value *column) {
      Value *part = ir.CreateAlignedLoad(type, e.at(from, column), llvm::Align(1));
      ir.CreateAlignedStore(part, place(panel, lane, column), llvm::Align(4));
    });
    const uint32_t last = rows.groups - 1;
    const auto sum = [&](Value *group, uint32_t columns) {
      Value *start = e.at(from, ir.CreateMul(group, e.i64(rows.groupSize)));
      storeSum(panel, lane, group, reader.sum(start, columns));
    };
    e.loop(e.i64(0), e.i64(last), 1, [&](Value *group) { sum(group, rows.groupSize); });
    sum(e.i64(last), std::min(rows.groupSize, rows.paddedColumns - last * rows.groupSize));
  }

  /// A row behind the last one is zero.
  void none(Value *panel, Value *lane) {
    e.loop(e.i64(0), e.i64(rows.paddedColumns), 4, [&](Value *column) {
      Value *chunk = ir.CreateAnd(column, e.i64(~uint64_t(run(rows) - 1)));
      Value *rest = ir.CreateSub(column, chunk);
      ir.CreateStore(ir.getInt32(0), e.at(place(panel, lane, chunk), rest));
    });
    e.loop(e.i64(0), e.i64(rows.groups), 1,
           [&](Value *group) { storeSum(panel, lane, group, ir.getInt32(0)); });
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  X86RowReader reader;
  const PackRows &pack;
  const KernelOperand &source;
  X86PackedRows rows;
  Value *count = nullptr;
};

} // namespace

bool emitX86PackRows(llvm::Module &module, const IsaTable &isa, const std::string &name,
                     const PackRows &pack, const std::vector<KernelOperand> &operands,
                     std::string &error) {
  WeightFormat format{ElementType::I8, pack.group ? ScaleKind::F32Group : ScaleKind::F32Row,
                      pack.group};
  if (!X86WeightLayout::of(format, pack.columns, error))
    return false;
  if (isa.dot == DotKind::None || pack.subRows == 0 || operands.size() != 2 ||
      operands[0].type != ElementType::I8 || operands[1].type != ElementType::U8) {
    error =
        "packing rows: needs an instruction set with dot products, at least 1 sub-row, rows (i8) "
        "and packed rows (u8)";
    return false;
  }
  Emitter emitter(module, isa, name, operands);
  PackEmitter(emitter, pack, operands[0]).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
