// Rows of a table of packed weights, by token id, as fp32: half a unit at a time.
#include "targets/Llvm/RowDecoder.h"
#include "targets/Llvm/RowLinear.h"

namespace llmc::target {

using llvm::Value;

namespace {

constexpr uint32_t half = RowWeightLayout::halfUnit;

class EmbedEmitter {
public:
  EmbedEmitter(Emitter &emitter, const EmbedRows &rows, const std::vector<KernelOperand> &operands,
               const RowWeightLayout &layout)
      : e(emitter), ir(emitter.ir), decoder(emitter, layout), rows(rows), operands(operands),
        layout(layout) {}

  void run() {
    const auto [first, end] = e.share(e.extent(rows.tokens));
    e.loop(first, end, 1, [&](Value *token) { one(token); });
  }

private:
  Value *rowOf(unsigned operand, Value *token) {
    return e.rowOf(operand, operands[operand].tokenStride, 0, 1, token);
  }

  void one(Value *token) {
    Value *id =
        rows.gathered ? token : e.asIndex(ir.CreateLoad(ir.getInt32Ty(), rowOf(embed::Ids, token)));
    row = e.at(e.operand(embed::Table), ir.CreateMul(id, e.index(layout.rowBytes)));
    out = rowOf(embed::Out, token);
    const uint32_t units = layout.columns / RowWeightLayout::unit,
                   rest = layout.columns % RowWeightLayout::unit;
    e.loop(e.index(0), e.index(units), 1, [&](Value *unit) { columns(unit, {half, half}); });
    if (rest != 0)
      columns(e.index(units), {std::min(rest, half), rest > half ? rest - half : 0});
  }

  /// The first so many columns of each half of a unit.
  void columns(Value *unit, std::array<uint32_t, 2> counts) {
    const auto halves = decoder.unit(row, unit);
    for (unsigned i = 0; i < 2 && counts[i] != 0; ++i) {
      Value *column =
          ir.CreateAdd(ir.CreateMul(unit, e.index(RowWeightLayout::unit)), e.index(i * half));
      Value *values = ir.CreateSExt(halves[i], e.vector(ir.getInt32Ty()));
      Value *group = ir.CreateUDiv(column, e.index(layout.groupSize));
      if (layout.hasMultipliers())
        values = ir.CreateMul(values, e.splat(decoder.multiplier(row, group)));
      values = ir.CreateSIToFP(values, e.vector(ir.getFloatTy()));
      values = ir.CreateFMul(values, e.splat(decoder.scale(row, group)));
      if (counts[i] != half)
        values = e.slice(values, 0, int(counts[i]));
      ir.CreateAlignedStore(values, e.at(out, ir.CreateShl(column, 2)), llvm::Align(4));
    }
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  RowDecoder decoder;
  const EmbedRows &rows;
  const std::vector<KernelOperand> &operands;
  const RowWeightLayout &layout;
  Value *row = nullptr, *out = nullptr; ///< Of the token at hand.
};

} // namespace

bool emitRowEmbed(llvm::Module &module, const IsaTable &isa, const std::string &name,
                  const EmbedRows &rows, const std::vector<KernelOperand> &operands,
                  std::string &error) {
  const auto layout = RowWeightLayout::of(rows.format, rows.columns, error);
  if (!layout)
    return false;
  if (operands.size() != 3 || operands[embed::Ids].type != ElementType::I32 ||
      operands[embed::Table].type != rows.format.element ||
      operands[embed::Out].type != ElementType::F32) {
    error = "embedding rows: needs ids (i32), a table of the format's elements and rows (f32)";
    return false;
  }
  Emitter emitter(module, isa, name, operands);
  EmbedEmitter(emitter, rows, operands, *layout).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
