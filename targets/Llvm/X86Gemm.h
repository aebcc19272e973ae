// Linear for many rows.
//
// For a few blocks of 16 outputs and a run of columns at a time, weights become codes of bytes on
// the stack (bytes are used where they lie), which then meet as many rows as stay in a second-level
// cache. Between runs the unfinished sums wait on the stack: int32, or fp32 where groups have their
// own scale.
#pragma once

#include "targets/Llvm/X86Linear.h"

namespace llmc::target {

class X86Gemm : private X86Linear {
public:
  explicit X86Gemm(const X86Linear &linear);
  void run();

  /// Whether what a run of columns needs fits the stack: codes, scales and starts of its groups,
  /// sums of a block of rows. A run has at least one group. Any single row fits.
  static bool fits(const X86WeightLayout &layout, uint64_t rows, std::string &error);

private:
  /// The blocks and columns that are worked on at a time.
  struct Run {
    llvm::Value *firstRow = nullptr, *endRow = nullptr;
    llvm::Value *index = nullptr;                      ///< Of the first block of the output.
    unsigned blocks = 1;                               ///< Of weights.
    llvm::Value *from = nullptr, *following = nullptr; ///< First block of weights; the next run's.
    llvm::Value *first = nullptr, *end = nullptr;      ///< Columns.
    llvm::SmallVector<llvm::Value *, 4> weights,
        codes;                      ///< By block: where it starts; its codes of column `first`.
    llvm::Value *next = nullptr;    ///< Weights of the first block of the run that follows.
    llvm::Value *isFirst = nullptr; ///< Of the output's runs.
    bool isLast = false;
    /// Vectors: the gates' sums wait whole for those of the ups, which know where these weights
    /// are.
    bool isGates = false;
    llvm::SmallVector<llvm::Value *, 4> gateWeights;
  };
  using Sums = llvm::SmallVector<llvm::Value *, 32>; ///< [row][block]

  /// Columns that count.
  static uint32_t columns(const X86WeightLayout &layout);
  static uint32_t runColumns(const X86WeightLayout &layout, bool tiles);
  /// From one block of weights of a run to the next, in blocks.
  uint32_t blockDistance() const { return besideGates() ? blockCount() : 1; }
  /// Whether blocks of a run are one of gates and its ups.
  bool besideGates() const { return packed.tiles && isGated(); }
  /// Rows [firstRow, endRow) of all runs.
  void rowsOf(Run run);
  void oneRun(Run &run);
  /// Rows that all weights meet before the next ones.
  uint64_t rowBlock() const;
  static uint64_t mostRowsOf(const X86WeightLayout &layout, bool tiles);
  /// The share of these rows.
  void rowsFrom(llvm::Value *firstRow);
  /// Blocks [index, index + count) of weights, or one of gates and its ups.
  void blocks(llvm::Value *firstRow, llvm::Value *index, unsigned count);
  /// The same blocks of gates, then of ups.
  void gatesAndUps(Run run);
  /// Codes of columns [first, end), which count from the run's first.
  void decode(const Run &run, llvm::Value *first, llvm::Value *end);
  llvm::Value *multiplied(llvm::Value *nibbles, llvm::Value *multipliers);
  /// The bias of the codes that products see.
  uint32_t bias() const { return layout.hasMultipliers() ? 128 : layout.bias(); }

  /// All products of one run with rows [row, row + height).
  void vectorUnit(const Run &run, llvm::Value *row);
  void finishUnit(const Run &run, llvm::Value *first, llvm::ArrayRef<llvm::Value *> sums);
  llvm::Value *gateSum(const Run &run, llvm::Value *first, unsigned behind, unsigned block);
  Sums columnSums(const Run &run, llvm::Value *activations, llvm::Value *first, llvm::Value *end,
                  Sums sums);
  Sums eightColumns(const Run &run, llvm::Value *activations, llvm::Value *column, Sums sums);
  Sums runSums(const Run &run, llvm::Value *row, llvm::Value *activations, Sums start);
  Sums groupDots(const Run &run, llvm::Value *row, llvm::Value *activations, llvm::Value *group);
  Sums groupSums(const Run &run, llvm::Value *row, llvm::Value *activations, Sums start);
  /// A sum's first value whose bits count up with the number: +-2^22 around it steps are 1.
  static constexpr float highStart = 12582912.0f;
  /// Sums of groups start there: dot products are small enough, and scales of so few bits that
  /// their product with it is exact.
  bool startsHigh() const;
  void prepareScales(const Run &run);
  llvm::Value *startOf(llvm::Value *sums);
  void prepareStarts(const Run &run);
  /// Of the rows of a panel from `row` on.
  llvm::Value *preparedStarts(const Run &run, llvm::Value *row, llvm::Value *group);
  llvm::Value *firstGroup(const Run &run);
  llvm::Value *endGroup(const Run &run);
  llvm::Value *preparedScale(const Run &run, llvm::Value *group, unsigned block);
  llvm::Value *addGroup(llvm::Value *acc, llvm::Value *dots, llvm::Value *prepared);
  void prefetchAhead(const Run &run, llvm::Value *row, llvm::Value *column);
  void configureTiles();
  llvm::Value *tile(unsigned index) { return ir.getInt8(uint8_t(index)); }
  void tileUnits(const Run &run);
  void tileUnit(const Run &run, llvm::Value *row, bool isFirst);
  void multiplyTiles(const Run &run, llvm::Value *row, llvm::Value *column, bool isNear);
  void finishBefore(const Run &run, llvm::Value *row, llvm::Value *column);
  void finishTileRow(const Run &run, llvm::Value *row);
  llvm::Value *waitingTile(const Run &run, llvm::Value *row, unsigned index);

  llvm::Value *panelOf(llvm::Value *row);
  /// Where the sums of a panel's rows from `row` on lie.
  llvm::Value *activationSums(llvm::Value *row, llvm::Value *group);
  /// Where a row's sums lie, unfinished ones or those of gates: [row][block][16].
  llvm::Value *waiting(llvm::Value *memory, const Run &run, llvm::Value *first, unsigned behind,
                       unsigned block);
  /// Columns of a unit that are multiplied between prefetches.
  uint32_t stepColumns() const { return layout.sumsByGroup() ? layout.groupSize : 64; }
  void eachOfUnit(llvm::Value *column, llvm::function_ref<void(llvm::Value *line)> one);
  void prefetchWeights(const Run &run, llvm::Value *row, llvm::Value *column);
  void prefetchOutput(const Run &run, llvm::Value *row);
  /// The sums of one row, scaled.
  Sums scaledRow(llvm::ArrayRef<llvm::Value *> weights, llvm::Value *first, unsigned behind,
                 llvm::ArrayRef<llvm::Value *> sums);
  /// Scales the sums of one row and writes them out.
  void finishRow(const Run &run, llvm::Value *row, llvm::ArrayRef<llvm::Value *> sums);

  X86PackedRows packed;
  unsigned height;  ///< Rows of a unit.
  unsigned width;   ///< Most blocks of a unit.
  uint32_t runSize; ///< Columns of every run but the last.
  llvm::Value *rows = nullptr, *decoded = nullptr, *partial = nullptr, *gates = nullptr;
  llvm::Value *groupScales = nullptr; ///< [group of the run][block of the run][2][16]
  /// [panel of the rows][group of the run][row of the panel]; null where single blocks would share
  /// them.
  llvm::Value *groupStarts = nullptr;
  llvm::Value *finished = nullptr; ///< Sums of the last two units of tiles.
  llvm::Value *idle = nullptr;     ///< Where a tile is stored that nobody reads.
};

} // namespace llmc::target
