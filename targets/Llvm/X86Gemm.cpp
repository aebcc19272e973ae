#include "targets/Llvm/X86Gemm.h"

#include "llvm/IR/IntrinsicsX86.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace llmc::target {

using llvm::Value;

/// Columns of a run. Tiles find its codes in a first-level cache; where all columns are twice as
/// many, having no unfinished sums is worth more. Vectors read a vector of codes for several
/// products, so that a second-level cache is as good, and longer runs mean fewer unfinished sums.
static constexpr uint32_t vectorRun = 2048, groupRun = 512, tileRun = 1088, wholeTileRun = 2048;
static constexpr uint32_t mostGroups = 32; ///< Of a run; each has starts for all rows.
static constexpr unsigned mostBlocks = 3, mostGroupBlocks = 2;
/// Bytes of packed rows that stay in a second-level cache of 2 MB beside what passes through it:
/// weights, codes, and with every block the outputs of all rows, each on a page of its own.
static constexpr uint64_t vectorRowCache = 800000, tileRowCache = 1200000;
static constexpr uint64_t rowUnit = 32; ///< A multiple of every unit's rows.
/// Most rows whose unfinished sums wait on the stack.
static constexpr uint64_t mostVectorRows = 384, mostTileRows = 512;

X86Gemm::X86Gemm(const X86Linear &linear)
    : X86Linear(linear), packed(X86PackedRows::of(e.isa, layout.columns,
                                                  layout.sumsByGroup() ? layout.format.group : 0)) {
  const bool avx2 = e.isa.dot == DotKind::MaddUbs;
  // Units of which all sums stay in registers: 24 of 32, or 8 of 16. Groups have a second sum for
  // each; a few of these are better left in memory than that dot products wait for each other.
  const bool grouped = layout.sumsByGroup();
  height = packed.tiles ? 32 : !avx2 ? 8 : grouped ? 2 : 4;
  width = packed.tiles ? 2 : avx2 ? 1 : grouped ? mostGroupBlocks : mostBlocks;
  runSize = runColumns(layout, packed.tiles);
}

uint32_t X86Gemm::columns(const X86WeightLayout &layout) {
  return layout.sumsByGroup() // What lies behind the last group is padding.
             ? std::min(layout.groups * layout.groupSize, layout.paddedColumns)
             : layout.paddedColumns;
}

/// Runs of about the same size; whole groups where these are summed alone, else whole tiles.
uint32_t X86Gemm::runColumns(const X86WeightLayout &layout, bool tiles) {
  const uint32_t unit = layout.sumsByGroup() ? layout.groupSize : X86WeightLayout::columnUnit;
  const uint32_t tileColumns = columns(layout) <= wholeTileRun ? wholeTileRun : tileRun;
  const uint32_t groups = std::min(groupRun, mostGroups * unit);
  const uint32_t run = tiles ? tileColumns : layout.sumsByGroup() ? groups : vectorRun;
  const uint32_t most = std::max(1u, run / unit);
  const uint32_t units = (columns(layout) + unit - 1) / unit, runs = (units + most - 1) / most;
  return (units + runs - 1) / runs * unit;
}

/// Codes, scales and starts of a run, and the sums of all rows twice: unfinished ones and those of
/// gates.
bool X86Gemm::fits(const X86WeightLayout &layout, uint64_t rows, std::string &error) {
  const uint64_t run = runColumns(layout, false), block = mostRowsOf(layout, false);
  const uint64_t groups = layout.sumsByGroup() ? run / layout.groupSize : 0;
  const uint64_t width = layout.sumsByGroup() ? mostGroupBlocks : mostBlocks;
  const uint64_t bytes = (run * 16 + groups * 128 + 2 * block * 64) * width + groups * block * 4;
  if (rows <= 1 || layout.format.element == ElementType::I8 || bytes <= kKernelStackBytes)
    return true;
  error = fmt::format("linear: groups of {} columns take {} bytes of stack for codes, scales and "
                      "sums, the limit is {}; use smaller groups",
                      layout.groupSize, bytes, kKernelStackBytes);
  return false;
}

void X86Gemm::run() {
  rows = ir.CreateMul(e.extent(matmul.tokens), e.i64(matmul.subRows));
  if (layout.format.element == ElementType::I4)
    decoded = e.stack(uint64_t(runSize) * 16 * width);
  if (runSize < columns(layout))
    partial = e.stack(rowBlock() * width * 64);
  if (layout.sumsByGroup()) {
    groupScales = e.stack(uint64_t(runSize) / layout.groupSize * width * 128);
    if (width > 1)
      groupStarts = e.stack(uint64_t(runSize) / layout.groupSize * rowBlock() * 4);
  }
  if (isGated() && !packed.tiles)
    gates = e.stack(rowBlock() * width * 64);
  if (packed.tiles)
    configureTiles();
  e.loop(e.i64(0), rows, rowBlock(), [&](Value *firstRow) { rowsFrom(firstRow); });
  if (packed.tiles)
    ir.CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {});
}

/// Rows whose packed activations stay in the cache.
uint64_t X86Gemm::mostRowsOf(const X86WeightLayout &layout, bool tiles) {
  const uint64_t cache = tiles ? tileRowCache : vectorRowCache;
  const uint64_t most = tiles ? mostTileRows : mostVectorRows;
  return std::clamp(cache / layout.paddedColumns, 2 * rowUnit, most) / rowUnit * rowUnit;
}

/// Equal blocks of them; the stack holds their sums.
uint64_t X86Gemm::rowBlock() const {
  const uint64_t all = uint64_t(matmul.tokens.value) * matmul.subRows;
  const uint64_t most = mostRowsOf(layout, packed.tiles);
  const uint64_t blocks = (all + most - 1) / most;
  return ((all + blocks - 1) / blocks + rowUnit - 1) / rowUnit * rowUnit;
}

void X86Gemm::rowsFrom(Value *firstRow) {
  auto [first, end] = e.share(e.i64(blockCount()));
  if (besideGates())
    e.loop(first, end, 1, [&](Value *index) { blocks(firstRow, index, width); });
  for (unsigned count = besideGates() ? 0 : width; count > 0; --count) {
    Value *rest = ir.CreateURem(ir.CreateSub(end, first), e.i64(count));
    Value *whole = ir.CreateSub(end, rest);
    e.loop(first, whole, count, [&](Value *index) { blocks(firstRow, index, count); });
    first = whole;
  }
}

void X86Gemm::blocks(Value *firstRow, Value *index, unsigned count) {
  Run run;
  run.firstRow = firstRow;
  run.endRow = e.smaller(ir.CreateAdd(firstRow, e.i64(rowBlock())), rows);
  run.index = run.from = index;
  run.blocks = count;
  if (isGated() && !packed.tiles)
    return gatesAndUps(run);
  run.following = ir.CreateAdd(index, e.i64(besideGates() ? 1 : count));
  rowsOf(run);
}

void X86Gemm::gatesAndUps(Run run) {
  Value *gatesFrom = run.index, *upsFrom = ir.CreateAdd(gatesFrom, e.i64(blockCount()));
  Run ups = run;
  run.isGates = true;
  run.following = upsFrom;
  rowsOf(run);
  ups.from = upsFrom;
  ups.following = ir.CreateAdd(gatesFrom, e.i64(run.blocks));
  for (unsigned i = 0; i < run.blocks; ++i)
    ups.gateWeights.push_back(block(ir.CreateAdd(gatesFrom, e.i64(i))));
  rowsOf(ups);
}

void X86Gemm::rowsOf(Run run) {
  for (unsigned i = 0; i < run.blocks; ++i)
    run.weights.push_back(block(ir.CreateAdd(run.from, e.i64(i * blockDistance()))));
  const uint32_t all = columns(layout), last = (all - 1) / runSize * runSize;
  const auto one = [&](Value *first, Value *end, bool isLast) {
    run.first = first;
    run.end = end;
    run.isFirst = ir.CreateICmpEQ(first, e.i64(0));
    run.isLast = isLast;
    oneRun(run);
  };
  if (last > 0)
    e.loop(e.i64(0), e.i64(last), runSize,
           [&](Value *first) { one(first, ir.CreateAdd(first, e.i64(runSize)), false); });
  one(e.i64(last), e.i64(all), true);
}

void X86Gemm::oneRun(Run &run) {
  const uint64_t size = decoded ? 8 : 16; // Bytes of a column.
  Value *after = ir.CreateMul(run.end, e.i64(size));
  run.next = run.isLast ? block(run.following) : e.at(run.weights[0], after);
  run.codes.clear();
  for (unsigned i = 0; i < run.blocks; ++i)
    run.codes.push_back(decoded ? e.at(decoded, uint64_t(i) * runSize * 16)
                                : e.at(run.weights[i], ir.CreateMul(run.first, e.i64(size))));
  if (packed.tiles)
    return tileUnits(run);
  if (decoded)
    decode(run, e.i64(0), ir.CreateSub(run.end, run.first));
  if (groupScales)
    prepareScales(run);
  if (groupStarts)
    prepareStarts(run);
  e.loop(run.firstRow, run.endRow, height, [&](Value *row) { vectorUnit(run, row); });
}

/// Of a nibble u the code 128 + m * (u - 8), which is m * u + (128 - 8 * m) in bytes: m * u fits
/// one, so both bytes of a word are multiplied at once.
Value *X86Gemm::multiplied(Value *nibbles, Value *m) {
  llvm::Type *words = e.vector(ir.getInt16Ty(), 32), *bytes = e.vector(ir.getInt8Ty(), 64);
  Value *m2 = ir.CreateOr(m, ir.CreateShl(m, 16));
  Value *products = ir.CreateMul(ir.CreateBitCast(nibbles, words), ir.CreateBitCast(m2, words));
  Value *offset = ir.CreateSub(e.splat(ir.getInt32(128)), ir.CreateShl(m, 3)); // 0 ... 120: a byte.
  Value *spread = ir.CreateMul(offset, e.splat(ir.getInt32(0x01010101)));
  return ir.CreateAdd(ir.CreateBitCast(products, bytes), ir.CreateBitCast(spread, bytes));
}

/// Groups of padding have multipliers out of what follows in the block: they meet zeros.
void X86Gemm::decode(const Run &run, Value *first, Value *end) {
  // Columns that share multipliers and divide every run.
  const uint32_t step = layout.hasMultipliers() ? std::gcd(layout.groupSize, 64u) : 8;
  for (unsigned i = 0; i < run.blocks; ++i)
    e.loop(first, end, step, [&](Value *inRun) {
      Value *column = ir.CreateAdd(run.first, inRun);
      Value *from = e.at(run.weights[i], ir.CreateShl(column, 3));
      Value *to = e.at(run.codes[i], ir.CreateShl(inRun, 4));
      Value *m = nullptr;
      if (layout.hasMultipliers())
        m = multipliers(run.weights[i], ir.CreateUDiv(column, e.i64(layout.groupSize)));
      for (uint32_t vector = 0; vector < step / 4; ++vector) {
        Value *code = codes(e.at(from, vector / 2 * 64), vector % 2 != 0);
        ir.CreateAlignedStore(m ? multiplied(code, m) : code, e.at(to, vector * 64),
                              llvm::Align(64));
      }
    });
}

Value *X86Gemm::panelOf(Value *row) {
  Value *panel = ir.CreateUDiv(row, e.i64(packed.panelRows));
  return e.at(e.operand(matmul::A), ir.CreateMul(panel, e.i64(packed.panelBytes)));
}

Value *X86Gemm::activationSums(Value *row, Value *group) {
  Value *lane = ir.CreateURem(row, e.i64(packed.panelRows));
  Value *index = ir.CreateAdd(ir.CreateMul(group, e.i64(packed.panelRows)), lane);
  return e.at(panelOf(row), ir.CreateAdd(ir.CreateShl(index, 2), e.i64(packed.sums)));
}

Value *X86Gemm::waiting(Value *memory, const Run &run, Value *row, unsigned behind,
                        unsigned block) {
  Value *unit = ir.CreateMul(ir.CreateSub(row, run.firstRow), e.i64(width * 64));
  return e.at(e.at(memory, unit), (behind * width + block) * 64);
}

/// Some of a unit's rows at each step of the last run, so that all have come at its end.
void X86Gemm::eachOfUnit(Value *column, llvm::function_ref<void(Value *line)> one) {
  const uint32_t last = columns(layout) - (columns(layout) - 1) / runSize * runSize;
  const uint32_t steps = (last - 1) / stepColumns() + 1, some = (height + steps - 1) / steps;
  Value *first = ir.CreateMul(ir.CreateUDiv(column, e.i64(stepColumns())), e.i64(some));
  for (uint32_t i = 0; i < some; ++i) {
    Value *line = ir.CreateAdd(first, e.i64(i));
    if (some * steps == height)
      one(line);
    else
      e.when(ir.CreateICmpULT(line, e.i64(height)), [&] { one(line); });
  }
}

/// A unit's outputs lie on as many pages as it has rows, where no hardware looks ahead.
void X86Gemm::prefetchOutput(const Run &run, Value *row) {
  for (unsigned i = 0; i < (besideGates() ? 1 : run.blocks); ++i)
    e.prefetch(outputAt(row, ir.CreateAdd(run.index, e.i64(i))));
}

/// At every step of a unit some of the weights that the next run reads, shared out among the
/// units: memory is asked for evenly while units are multiplied.
void X86Gemm::prefetchWeights(const Run &run, Value *row, Value *column) {
  const uint32_t lines = runSize * (decoded ? 8 : 16) / 64, steps = runSize / stepColumns();
  const uint64_t all = (rowBlock() + height - 1) / height * steps;
  const uint64_t some = std::min<uint64_t>(8, (lines * run.blocks + all - 1) / all);
  const uint64_t distance = blockDistance() * layout.blockBytes;
  Value *unit = ir.CreateUDiv(ir.CreateSub(row, run.firstRow), e.i64(height));
  Value *step =
      ir.CreateAdd(ir.CreateMul(unit, e.i64(steps)), ir.CreateUDiv(column, e.i64(stepColumns())));
  for (uint64_t i = 0; i < some; ++i) {
    Value *line = ir.CreateAdd(ir.CreateMul(step, e.i64(some)), e.i64(i));
    Value *ofBlock = ir.CreateUDiv(line, e.i64(lines));
    Value *from = e.at(run.next, ir.CreateMul(ofBlock, e.i64(distance)));
    e.prefetch(e.at(from, ir.CreateShl(ir.CreateURem(line, e.i64(lines)), 6)));
  }
}

X86Gemm::Sums X86Gemm::scaledRow(llvm::ArrayRef<Value *> weights, Value *first, unsigned behind,
                                 llvm::ArrayRef<Value *> sums) {
  const bool grouped = layout.sumsByGroup();
  Value *factor = ir.getInt32(dot.correction(bias()));
  Value *excess = nullptr;
  if (!grouped)
    excess = ir.CreateMul(
        ir.CreateLoad(ir.getInt32Ty(), e.at(activationSums(first, e.i64(0)), behind * 4)), factor);
  Value *row = e.smaller(ir.CreateAdd(first, e.i64(behind)), ir.CreateSub(rows, e.i64(1)));
  Value *scale = e.splat(activationScale(row));
  Sums values(sums);
  for (unsigned i = 0; i < sums.size(); ++i) {
    if (!grouped)
      values[i] = scaled(ir.CreateSub(sums[i], e.splat(excess)), scales(weights[i], e.i64(0)));
    values[i] = ir.CreateFMul(values[i], scale);
  }
  return values;
}

void X86Gemm::finishRow(const Run &run, Value *row, llvm::ArrayRef<Value *> sums) {
  const Sums values = scaledRow(run.weights, row, 0, sums);
  if (isGated())
    return storeBlock(gated(values[0], values[1]), row, run.index);
  for (unsigned i = 0; i < run.blocks; ++i)
    storeBlock(values[i], row, ir.CreateAdd(run.index, e.i64(i)));
}

} // namespace llmc::target
