// What every kernel needs of LLVM IR: its function, loops as callbacks, extents and shares.
//
// Kernels are written straight in LLVM IR and not in MLIR: they are loops over explicit vectors
// with chosen instructions, so a second level would be lowered one to one, its default patterns
// (fma, unordered reductions) would have to be kept out, and the exact order of operations, which
// is the contract, is visible here line by line.
#pragma once

#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Kernel.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace llmc::target {

/// Lanes of a float vector in every kernel: those of an ordered sum, whatever the machine's
/// registers hold.
constexpr unsigned kLanes = 16;

/// Nearest to the core first.
enum class CacheLevel { First, Second };

class Emitter {
public:
  using Values = llvm::SmallVector<llvm::Value *, 8>;
  using Body = llvm::function_ref<void(llvm::Value *index)>;
  using Step = llvm::function_ref<Values(llvm::Value *index, llvm::ArrayRef<llvm::Value *> state)>;

  /// Starts the function `name`: void(ptr operands, ptr params, i32 part, i32 parts). `described`
  /// outlives this object.
  Emitter(llvm::Module &module, const IsaTable &isa, const std::string &name,
          const std::vector<KernelOperand> &described);
  /// Ends it.
  void finish() { ir.CreateRetVoid(); }

  /// The address of an operand, moved by its argument; as often as wanted, it is read once.
  llvm::Value *operand(unsigned number);
  /// An extent as an index.
  llvm::Value *extent(const Extent &extent);
  llvm::Value *argument(int16_t number);
  llvm::Value *part();  ///< An index, as all that follows.
  llvm::Value *parts(); ///< Of the work of this kernel.
  /// The range [first, last) of `count` items that belongs to this part.
  std::pair<llvm::Value *, llvm::Value *> share(llvm::Value *count);

  /// for (index = from; index < to; index += step)
  void loop(llvm::Value *from, llvm::Value *to, uint64_t step, Body body);
  /// The same with values carried from run to run; returns the last ones.
  Values loop(llvm::Value *from, llvm::Value *to, uint64_t step,
              llvm::ArrayRef<llvm::Value *> initial, Step body);
  /// for (index = from; index < to; index = body(index))
  void walk(llvm::Value *from, llvm::Value *to,
            llvm::function_ref<llvm::Value *(llvm::Value *index)> body);
  void when(llvm::Value *condition, llvm::function_ref<void()> body);
  /// Stack memory, aligned to 64 bytes, of the whole function.
  llvm::Value *stack(uint64_t bytes);
  /// base + offset bytes.
  llvm::Value *at(llvm::Value *base, llvm::Value *offset);
  llvm::Value *at(llvm::Value *base, uint64_t offset);

  /// Address of row `row` of an operand: token row / subRows, sub-row row % subRows.
  llvm::Value *rowOf(unsigned operand, uint32_t tokenStride, uint32_t subStride, uint32_t subRows,
                     llvm::Value *row);
  /// Asks for the line at an address, which need not exist, to come into a cache.
  void prefetch(llvm::Value *address, CacheLevel level = CacheLevel::Second);
  /// x * y + sum where the product is exact: fused where the machine can.
  llvm::Value *multiplyAdd(llvm::Value *x, llvm::Value *y, llvm::Value *sum);

  /// Indices and offsets are integers of the machine's pointers: 32-bit machines would pay twice.
  llvm::IntegerType *indexType() const { return indices; }
  llvm::ConstantInt *index(uint64_t value);
  /// An integer as an index.
  llvm::Value *asIndex(llvm::Value *value) { return ir.CreateZExtOrTrunc(value, indices); }
  /// An index in the kernels of 64-bit machines.
  llvm::ConstantInt *i64(uint64_t value) { return ir.getInt64(value); }
  llvm::Value *smaller(llvm::Value *x, llvm::Value *y); ///< Of unsigned integers.
  llvm::Value *f32(float value);
  llvm::Value *splat(llvm::Value *scalar, unsigned lanes = kLanes);
  llvm::FixedVectorType *vector(llvm::Type *element, unsigned lanes = kLanes);
  /// Lane i with lane i + 8, then i + 4, i + 2, i + 1; lane 0.
  llvm::Value *
  joinLanes(llvm::Value *vector,
            llvm::function_ref<llvm::Value *(llvm::Value *lower, llvm::Value *upper)> join);
  /// The elements [first, first + count) of a vector.
  llvm::Value *slice(llvm::Value *vector, int first, int count);
  /// Vectors of one type behind each other; a power of two of them.
  llvm::Value *join(llvm::ArrayRef<llvm::Value *> vectors);
  /// lane < count, for any count.
  llvm::Value *firstLanes(llvm::Value *count);

  llvm::IRBuilder<> ir;
  const IsaTable &isa;

private:
  llvm::Function *function;
  llvm::IntegerType *indices;
  const std::vector<KernelOperand> &described;
  llvm::DenseMap<unsigned, llvm::Value *> operands;
};

} // namespace llmc::target
