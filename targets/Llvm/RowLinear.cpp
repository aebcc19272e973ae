#include "targets/Llvm/RowLinear.h"

#include "targets/Llvm/Layout/RowRules.h"
#include "targets/Llvm/RowDecoder.h"
#include "targets/Llvm/RowDot.h"

#include "llvm/IR/IntrinsicsARM.h"

#include <fmt/format.h>
#include <optional>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr uint32_t atOnce = 4; ///< Units of a group that are written out.

class LinearEmitter {
public:
  LinearEmitter(Emitter &emitter, const Matmul &matmul, const std::vector<KernelOperand> &operands,
                const RowWeightLayout &layout, llvm::Function *instruction)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), decoder(emitter, layout), matmul(matmul),
        operands(operands), layout(layout), height(emitter.isa.vectorBits >= 128 ? 4 : 2) {
    if (instruction)
      height = described.emplace(emitter, layout, instruction).height();
  }

  void run();

private:
  /// One value for each row of activations at hand.
  using Sums = Emitter::Values;
  using Halves = std::array<Sums, 2>;

  bool isMany() const { return uint64_t(matmul.tokens.value) * matmul.subRows > 1; }
  bool isGated() const { return matmul.epilogue == Epilogue::SiluMul; }
  uint32_t outputs() const { return isGated() ? matmul.n.value / 2 : matmul.n.value; }

  Value *rowOf(unsigned operand, Value *row) {
    const KernelOperand &where = operands[operand];
    return e.rowOf(operand, where.tokenStride, where.subStride, matmul.subRows, row);
  }
  Value *weightsOf(Value *output) {
    return e.at(e.operand(matmul::B), ir.CreateMul(output, e.index(layout.rowBytes)));
  }
  void single();
  /// All weights and these activations, of which `first` is the number of the first.
  void meet(llvm::ArrayRef<Value *> rows, Value *first);
  void output(Value *number, unsigned count, Value *first);
  void store(Value *y, Value *ups, Value *number, Value *row);

  /// Products of row `weights` with all activations at hand, scaled as the format says.
  Sums products(Value *weights);
  std::vector<Sums> products(Value *output, unsigned count);
  /// The products of a unit's halves, each added to its own sums, or together to the first.
  Halves addHalves(Value *weights, Value *unit, Halves sums, bool together);
  Sums addUnit(Value *weights, Value *unit, llvm::ArrayRef<Value *> sums);
  Sums unitSums(Value *weights, Value *first, Value *end, Sums sums);
  Sums groupSums(Value *weights, Value *first, uint32_t units);
  Sums manyGroups(Value *weights);
  Sums halfGroups(Value *weights);
  /// Totals of nothing.
  Sums start() {
    return Sums(activations.size(),
                layout.hasMultipliers() ? static_cast<Value *>(ir.getInt32(0)) : e.f32(0));
  }
  /// One group's sums into the totals: times the multiplier, or as fp32 times the scale.
  Sums join(Value *weights, Value *group, llvm::ArrayRef<Value *> totals,
            llvm::ArrayRef<Value *> sums);
  Value *scaled(Value *sum, Value *scale) {
    Value *number = ir.CreateSIToFP(sum, ir.getFloatTy());
    return ir.CreateFAdd(e.f32(0), ir.CreateFMul(number, scale));
  }
  Value *dot(Value *weights, Value *from, Value *sum);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  RowDecoder decoder;
  const Matmul &matmul;
  const std::vector<KernelOperand> &operands;
  const RowWeightLayout &layout;
  unsigned height; ///< Rows of activations that meet a row of weights at once.
  std::optional<RowDot> described;
  Emitter::Values activations; ///< At hand.
};

void LinearEmitter::run() {
  if (!isMany()) {
    single();
    return;
  }
  Value *rows = ir.CreateMul(e.extent(matmul.tokens), e.index(matmul.subRows));
  const auto several = [&](Value *first, unsigned count) {
    Emitter::Values starts;
    for (unsigned i = 0; i < count; ++i) {
      Value *row = ir.CreateAdd(first, e.index(i));
      starts.push_back(
          e.at(e.operand(matmul::A), ir.CreateMul(row, e.index(layout.paddedColumns))));
    }
    meet(starts, first);
  };
  Value *whole = ir.CreateSub(rows, ir.CreateURem(rows, e.index(height)));
  e.loop(e.index(0), whole, height, [&](Value *first) { several(first, height); });
  if (height > 1)
    e.loop(whole, rows, 1, [&](Value *row) { several(row, 1); });
}

void LinearEmitter::single() {
  std::optional<WholeUnits> units;
  if (!described)
    units.emplace(e, layout.columns);
  e.when(ir.CreateICmpNE(e.extent(matmul.tokens), e.index(0)), [&] {
    Value *row = rowOf(matmul::A, e.index(0));
    meet({units ? units->of(row) : row}, e.index(0));
  });
}

void LinearEmitter::meet(llvm::ArrayRef<Value *> rows, Value *first) {
  activations.assign(rows.begin(), rows.end());
  if (described)
    described->take(rows);
  auto [begin, end] = e.share(e.index(outputs()));
  if (const unsigned width = described ? described->width() : 1; width > 1) {
    Value *rest = ir.CreateURem(ir.CreateSub(end, begin), e.index(width));
    Value *whole = ir.CreateSub(end, rest);
    e.loop(begin, whole, width, [&](Value *number) { output(number, width, first); });
    begin = whole;
  }
  e.loop(begin, end, 1, [&](Value *number) { output(number, 1, first); });
}

std::vector<LinearEmitter::Sums> LinearEmitter::products(Value *output, unsigned count) {
  Emitter::Values weights;
  for (unsigned i = 0; i < count; ++i)
    weights.push_back(weightsOf(ir.CreateAdd(output, e.index(i))));
  if (described)
    return described->products(weights);
  return {products(weights[0])};
}

void LinearEmitter::output(Value *number, unsigned count, Value *first) {
  const std::vector<Sums> sums = products(number, count);
  std::vector<Sums> ups = sums;
  if (isGated())
    ups = products(ir.CreateAdd(number, e.index(outputs())), count);
  for (unsigned weights = 0; weights < count; ++weights)
    for (unsigned i = 0; i < activations.size(); ++i)
      store(sums[weights][i], ups[weights][i], ir.CreateAdd(number, e.index(weights)),
            ir.CreateAdd(first, e.index(i)));
}

void LinearEmitter::store(Value *y, Value *ups, Value *number, Value *row) {
  Value *scale = ir.CreateLoad(ir.getFloatTy(), rowOf(matmul::AScale, row));
  Value *at = e.at(rowOf(matmul::Out, row), ir.CreateShl(number, 2));
  Value *value = ir.CreateFMul(y, scale);
  if (isGated())
    value = ir.CreateFMul(ir.CreateFMul(value, numerics.sigmoid(value)), ir.CreateFMul(ups, scale));
  if (matmul.epilogue == Epilogue::Add)
    value = ir.CreateFAdd(ir.CreateLoad(ir.getFloatTy(), at), value);
  ir.CreateStore(value, at);
}

/// sum + 16 products.
Value *LinearEmitter::dot(Value *weights, Value *from, Value *sum) {
  Value *bytes = ir.CreateAlignedLoad(e.vector(ir.getInt8Ty()), from, llvm::Align(1));
  if (e.isa.dot == DotKind::Vmladava) {
    Value *plain = ir.getInt32(0); // Signed, added, not crosswise.
    return ir.CreateIntrinsic(llvm::Intrinsic::arm_mve_vmldava, {bytes->getType()},
                              {plain, plain, plain, sum, weights, bytes});
  }
  llvm::Type *words = e.vector(ir.getInt32Ty());
  Value *all = ir.CreateMul(ir.CreateSExt(weights, words), ir.CreateSExt(bytes, words));
  return ir.CreateAdd(sum, ir.CreateAddReduce(all));
}

LinearEmitter::Halves LinearEmitter::addHalves(Value *weights, Value *unit, Halves sums,
                                               bool together) {
  Value *column = ir.CreateMul(unit, e.index(RowWeightLayout::unit));
  const auto from = [&](unsigned row, unsigned offset) {
    return e.at(e.at(activations[row], column), offset);
  };
  if (e.isa.vectorBits >= 128) {
    const auto halves = decoder.unit(weights, unit);
    for (unsigned half = 0; half < 2; ++half)
      for (unsigned row = 0; row < activations.size(); ++row) {
        Value *&sum = sums[together ? 0 : half][row];
        sum = dot(halves[half], from(row, half * RowWeightLayout::halfUnit), sum);
      }
    return sums;
  }
  // In scalars, and in an order that holds few of them at a time.
  for (unsigned i = 0; i < RowWeightLayout::halfUnit; ++i) {
    const auto pair = decoder.pair(weights, unit, i);
    for (unsigned half = 0; half < 2; ++half)
      for (unsigned row = 0; row < activations.size(); ++row) {
        Value *byte =
            ir.CreateLoad(ir.getInt8Ty(), from(row, half * RowWeightLayout::halfUnit + i));
        Value *&sum = sums[together ? 0 : half][row];
        sum = ir.CreateAdd(sum, ir.CreateMul(pair[half], ir.CreateSExt(byte, ir.getInt32Ty())));
      }
  }
  return sums;
}

LinearEmitter::Sums LinearEmitter::addUnit(Value *weights, Value *unit,
                                           llvm::ArrayRef<Value *> sums) {
  return addHalves(weights, unit, {Sums(sums.begin(), sums.end()), {}}, /*together=*/true)[0];
}

LinearEmitter::Sums LinearEmitter::unitSums(Value *weights, Value *first, Value *end, Sums sums) {
  return e.loop(first, end, 1, sums, [&](Value *unit, llvm::ArrayRef<Value *> state) {
    return addUnit(weights, unit, state);
  });
}

LinearEmitter::Sums LinearEmitter::join(Value *weights, Value *group,
                                        llvm::ArrayRef<Value *> totals,
                                        llvm::ArrayRef<Value *> sums) {
  Value *factor =
      layout.hasMultipliers() ? decoder.multiplier(weights, group) : decoder.scale(weights, group);
  Sums next;
  for (auto [total, sum] : llvm::zip_equal(totals, sums))
    next.push_back(
        layout.hasMultipliers()
            ? ir.CreateAdd(total, ir.CreateMul(sum, factor))
            : ir.CreateFAdd(total, ir.CreateFMul(ir.CreateSIToFP(sum, ir.getFloatTy()), factor)));
  return next;
}

/// The sums of one group from unit `first` on; short groups are written out.
LinearEmitter::Sums LinearEmitter::groupSums(Value *weights, Value *first, uint32_t units) {
  const Sums zeros(activations.size(), ir.getInt32(0));
  if (units > atOnce)
    return unitSums(weights, first, ir.CreateAdd(first, e.index(units)), zeros);
  Sums sums = zeros;
  for (uint32_t unit = 0; unit < units; ++unit)
    sums = addUnit(weights, ir.CreateAdd(first, e.index(unit)), sums);
  return sums;
}

/// Groups of whole units, two at a time: their multipliers share a byte.
LinearEmitter::Sums LinearEmitter::manyGroups(Value *weights) {
  const uint32_t units = layout.groupSize / RowWeightLayout::unit,
                 all = layout.paddedColumns / RowWeightLayout::unit, whole = all / units;
  const auto one = [&](Value *group, llvm::ArrayRef<Value *> totals, uint32_t size) {
    return join(weights, group, totals,
                groupSums(weights, ir.CreateMul(group, e.index(units)), size));
  };
  Sums totals = e.loop(
      e.index(0), e.index(whole / 2), 1, start(), [&](Value *pair, llvm::ArrayRef<Value *> state) {
        Value *group = ir.CreateShl(pair, 1);
        return one(ir.CreateAdd(group, e.index(1)), one(group, state, units), units);
      });
  if (whole % 2 != 0)
    totals = one(e.index(whole - 1), totals, units);
  if (all % units != 0)
    totals = one(e.index(whole), totals, all % units);
  return totals;
}

/// Groups of half a unit, two of which are decoded together. Behind an odd number of them lies a
/// half of zeros with whatever factor: nothing is added, to a sum that is no -0.
LinearEmitter::Sums LinearEmitter::halfGroups(Value *weights) {
  const Sums zeros(activations.size(), ir.getInt32(0));
  const auto two = [&](Value *unit, llvm::ArrayRef<Value *> totals, unsigned count) {
    const Halves sums = addHalves(weights, unit, {zeros, zeros}, /*together=*/false);
    Sums result(totals.begin(), totals.end());
    for (unsigned half = 0; half < count; ++half)
      result =
          join(weights, ir.CreateAdd(ir.CreateShl(unit, 1), e.index(half)), result, sums[half]);
    return result;
  };
  Value *whole = e.index(layout.groups / 2);
  Sums totals =
      e.loop(e.index(0), whole, 1, start(),
             [&](Value *unit, llvm::ArrayRef<Value *> state) { return two(unit, state, 2); });
  return layout.groups % 2 != 0 ? two(whole, totals, 1) : totals;
}

LinearEmitter::Sums LinearEmitter::products(Value *weights) {
  const bool halves = layout.groups > 1 && layout.groupSize == RowWeightLayout::halfUnit;
  if (layout.scaledByGroup())
    return halves ? halfGroups(weights) : manyGroups(weights);
  Sums sums;
  if (layout.hasMultipliers())
    sums = halves ? halfGroups(weights) : manyGroups(weights);
  else
    sums = unitSums(weights, e.index(0), e.index(layout.paddedColumns / RowWeightLayout::unit),
                    Sums(activations.size(), ir.getInt32(0)));
  for (Value *&sum : sums)
    sum = scaled(sum, decoder.scale(weights, e.index(0)));
  return sums;
}

std::string operandsRefusal(const Matmul &matmul, const std::vector<KernelOperand> &operands) {
  const bool many = uint64_t(matmul.tokens.value) * matmul.subRows > 1;
  if (operands.size() != 4)
    return fmt::format("linear: {} operands, not 4", operands.size());
  if (operands[matmul::A].type != (many ? ElementType::U8 : ElementType::I8))
    return many ? "linear: a of more than one row must be packed rows (u8)"
                : "linear: a must be i8";
  if (operands[matmul::AScale].type != ElementType::F32 ||
      operands[matmul::B].type != matmul.format.element ||
      operands[matmul::Out].type != ElementType::F32)
    return "linear: aScale and out must be f32, b the format's element";
  return "";
}

} // namespace

bool emitRowLinear(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error) {
  error = rowRefusal(isa, matmul);
  if (error.empty())
    error = operandsRefusal(matmul, operands);
  if (!error.empty())
    return false;
  const auto layout = RowWeightLayout::of(matmul.format, matmul.k.value, error);
  if (!layout)
    return false;
  llvm::Function *instruction = nullptr;
  if (isa.dot == DotKind::Described) {
    instruction = RowDot::declare(module, isa, error);
    if (!instruction)
      return false;
  }
  Emitter emitter(module, isa, name, operands);
  LinearEmitter(emitter, matmul, operands, *layout, instruction).run();
  emitter.finish();
  return true;
}

bool emitRowPack(llvm::Module &module, const IsaTable &isa, const std::string &name,
                 const PackRows &pack, const std::vector<KernelOperand> &operands,
                 std::string &error) {
  if (pack.subRows == 0 || pack.columns == 0 || operands.size() != 2 ||
      operands[packrows::Rows].type != ElementType::I8 ||
      operands[packrows::Packed].type != ElementType::U8) {
    error = "packing rows: needs at least 1 sub-row and 1 column, rows (i8) and packed rows (u8)";
    return false;
  }
  Emitter e(module, isa, name, operands);
  llvm::IRBuilder<> &ir = e.ir;
  const KernelOperand &source = operands[packrows::Rows];
  const uint64_t padded =
      packedRowBytes({.tokens = {1}, .subRows = 1, .columns = pack.columns, .group = 0});
  const auto [first, end] = e.share(ir.CreateMul(e.extent(pack.tokens), e.index(pack.subRows)));
  e.loop(first, end, 1, [&](Value *row) {
    Value *from = e.rowOf(packrows::Rows, source.tokenStride, source.subStride, pack.subRows, row);
    Value *to = e.at(e.operand(packrows::Packed), ir.CreateMul(row, e.index(padded)));
    Value *whole = e.index(pack.columns / kLanes * kLanes);
    llvm::Type *bytes = e.vector(ir.getInt8Ty());
    e.loop(e.index(0), whole, kLanes, [&](Value *column) {
      Value *part = ir.CreateAlignedLoad(bytes, e.at(from, column), llvm::Align(1));
      ir.CreateAlignedStore(part, e.at(to, column), llvm::Align(kLanes));
    });
    e.loop(whole, e.index(pack.columns), 1, [&](Value *column) {
      ir.CreateStore(ir.CreateLoad(ir.getInt8Ty(), e.at(from, column)), e.at(to, column));
    });
    e.loop(e.index(pack.columns), e.index(padded), 1,
           [&](Value *column) { ir.CreateStore(ir.getInt8(0), e.at(to, column)); });
  });
  e.finish();
  return true;
}

} // namespace llmc::target
