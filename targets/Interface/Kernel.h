// A kernel as plain data: what crosses from the compiler to a target. No MLIR here.
//
// A kernel is a matrix multiplication on tiles or a vector chain: a flat SSA list of row operations
// over a closed set. Machines whose kernels address memory directly know three more: packing of
// activations, embedding and attention over the whole cache. Semantics of every operation, to the
// bit, are those of docs/numerics.md; `runtime/base/numerics.h` is the shared code.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace llmc::target {

enum class ElementType : uint8_t { F32, F16, I8, I4, I32, U8, U4 };

/// Size in bits of one element.
uint32_t bitsOf(ElementType type);

/// How stored weights become numbers. Mirrors the compiler's format attribute.
///
/// Where these parts lie in a packed matrix is the target's own (Target::pack), within two rules: a
/// run of whole row granules is a matrix of its own, so that tiles are cut and matrices joined
/// without packing anew, and a table that is gathered by row is packed as any matrix, so that a
/// head that shares it needs no copy. On machines with command streams such a table is a sequence
/// of row records, of which the compiler addresses the parts; a target without a layout of its own
/// has all weights like that, so that a head needs no copy there either.
enum class ScaleKind : uint8_t {
  F32Row,           ///< One fp32 per output row. Elements decode to int8.
  MultiplierF32Row, ///< 4-bit (m-1) per group and one fp32 per row. m*q decodes to int8.
  F16Group,         ///< One fp16 per group.
  F32Group,         ///< One fp32 per group (imported grids; may be negative).
};

struct WeightFormat {
  ElementType element = ElementType::I8; ///< I8 or I4.
  ScaleKind scale = ScaleKind::F32Row;
  uint32_t group = 0; ///< Elements of K per group; 0: the whole row.
  bool operator==(const WeightFormat &) const = default;
};

/// A row record is a multiple of 16 bytes: the row's elements (nibbles low first), its multipliers
/// (nibbles, m-1), its scales, zero padding. So any run of records is a tile. Offsets are from the
/// record's start.
struct RowRecord {
  uint32_t groupSize = 0, groups = 0; ///< Columns per group; groups per row, the last may be short.
  uint64_t elements = 0;              ///< Bytes of the elements, which come first.
  uint64_t multipliers = 0;           ///< Offset, right behind the elements.
  uint64_t multiplierBytes = 0;       ///< 0 where the format has none.
  uint64_t scales = 0, scaleBytes = 0; ///< Offset, a multiple of the scale's size.
  uint64_t bytes = 0;                  ///< The record, a multiple of 16.
};
RowRecord rowRecord(const WeightFormat &format, uint32_t columns);

/// A number that is fixed, or read from a run-time argument with `value` as its proved maximum.
struct Extent {
  uint32_t value = 0;
  int16_t argument = -1; ///< Index into the stream's arguments, or -1.
  bool operator==(const Extent &) const = default;
};

enum class MatmulKind : uint8_t {
  /// out[m,n] = (sum_k a[m,k]*w[n,k], scaled by the format) * aScale[m]. a: I8 [M,K]. w: packed
  /// tile. out: F32.
  Linear,
  /// out[m,n] = (sum_k a[m,k]*b[n,k]) * scale. a: F16 [M,K], b: F16 [N,K] (rows are positions). k
  /// ascending, one accumulator.
  Scores,
  /// out[m,n] = sum_k a[m,k]*b[k,n]. a: F16 [M,K], b: F16 [K,N] (K are positions). k ascending, one
  /// accumulator.
  Values,
};

/// What a Linear does with its sums. Targets that have no more than Store refuse the others.
enum class Epilogue : uint8_t {
  Store, ///< out[m,n] = y[m,n]
  Add,   ///< out[m,n] = out[m,n] + y[m,n]
  /// The first half of the weights' rows are gates: out[m,i] = silu(y[m,i]) * y[m, n/2 + i].
  SiluMul,
};

/// Rows are (token, sub-row): row r addresses token r / subRows and sub-row r % subRows, so that
/// the query heads of one KV head are the sub-rows of a token. Strides are bytes and belong to the
/// operands.
struct Matmul {
  MatmulKind kind = MatmulKind::Linear;
  Extent tokens; ///< M = tokens * subRows.
  uint32_t subRows = 1;
  Extent n, k; ///< Either may be an argument (positions of the KV cache); 0 gives no result, or +0
               ///< where not accumulating.
  WeightFormat format;                 ///< Linear only.
  float scale = 1.0f;                  ///< Scores only.
  bool accumulate = false;             ///< Values only: start from out's content instead of +0.
  Epilogue epilogue = Epilogue::Store; ///< Linear only.
  bool operator==(const Matmul &) const = default;
};

/// Operand order of a Matmul command.
namespace matmul {
enum Operand : uint8_t {
  A = 0,
  AScale = 1,
  B = 2,
  Out = 3
}; // Linear: B is the packed tile. Scores, Values: AScale is unused.
} // namespace matmul

/// Steps of a vector chain. v: a vector of `columns` fp32, s: one fp32 per row. Every value is fp32
/// in the chain.
enum class Step : uint8_t {
  LoadMatrix, ///< -> v   operand[token, sub, column], converted to fp32 (F32, F16, I8 exactly; I4
              ///< sign-extended nibbles).
  LoadRow,    ///< -> v   operand[column], the same for every row (norm weights).
  LoadScalar, ///< -> s   operand[token, sub], F32.
  Constant,   ///< -> s   imm.
  Add,
  Sub,
  Mul,
  Max,
  Min, ///< (v|s, v|s) -> v if either is v, else s.
  Recip,
  Rsqrt,
  Exp,
  Sigmoid,         ///< (x) -> the same kind; docs/numerics.md sequences.
  RoundF16,        ///< (x) -> x rounded as stored f16 values are.
  SumLanes,        ///< (v) -> s   16-lane order.
  MaxVisible,      ///< (v) -> s   maximum over visible columns.
  AbsMax,          ///< (v) -> s   by magnitude bits.
  KeepGe,          ///< (x, y) -> x where y >= imm, else +0. Same kinds, or y is s.
  MaskVisible,     ///< (v) -> v   columns that are not visible become +0.
  InverseScale,    ///< (s) -> s   absmax to the factor 127*recip(a), 0 below 2^-60.
  ActivationScale, ///< (s) -> s   absmax to a*(1/127), 0 below 2^-60.
  LoadGroup,   ///< (imm = group size) -> v   operand[token, sub, column / group], converted to fp32
               ///< (F32, F16, U4).
  StoreMatrix, ///< (v) operand[token, sub, column] as the operand's type: F32 as is, F16 by the f16
               ///< rule, I8 by rne and clamp to +-127.
  StoreScalar, ///< (s) operand[token, sub], F32.
};

struct ChainStep {
  Step step = Step::Constant;
  uint8_t a = 0, b = 0; ///< Indices of earlier steps.
  uint8_t operand = 0;  ///< Load and store steps.
  float imm = 0;        ///< Constant, KeepGe, LoadGroup.
  bool operator==(const ChainStep &) const = default;
};

/// Runs the steps once per row. Visible columns of a row are 0 ... position + firstToken + token
/// (causal), where position is an argument.
struct VectorChain {
  Extent tokens;
  uint32_t subRows = 1;
  Extent columns;
  int16_t positionArgument = -1;
  uint32_t firstToken = 0; ///< Of this block of rows within the chunk.
  std::vector<ChainStep> steps;
  bool operator==(const VectorChain &) const = default;
};

/// Brings int8 activations into the order that a Linear of more than one row reads; once for all
/// layers that share them. The order is the target's own.
struct PackRows {
  Extent tokens;
  uint32_t subRows = 1;
  uint32_t columns = 0;
  uint32_t group = 0; ///< Of weights with a scale per group; else 0.
  bool operator==(const PackRows &) const = default;
};

namespace packrows {
enum Operand : uint8_t { Rows = 0, Packed = 1 }; // I8, values within +-127; U8, aligned to 64
}

/// Gathers rows of a packed table as fp32: element times multiplier times scale. Ids are rows of
/// the table, which the host checks. Where rows are gathered, the table has those of the tokens, in
/// their order, and ids are not read.
struct EmbedRows {
  Extent tokens;
  uint32_t columns = 0;
  WeightFormat format;
  bool gathered = false;
  bool operator==(const EmbedRows &) const = default;
};

namespace embed {
enum Operand : uint8_t { Ids = 0, Table = 1, Out = 2 }; // I32; packed weights; F32
}

/// Causal attention of a chunk over the cache, to which the chunk's own keys and values have been
/// added: token t sees cached rows 0 ... position + t. Query head h reads KV head h / (heads /
/// kvHeads). Operands: (token, head) rows of headDim elements; of the cache (position, KV head).
struct Attention {
  Extent tokens;
  uint32_t heads = 1, kvHeads = 1, headDim = 0;
  uint32_t capacity = 0; ///< Rows of the cache, at most position + tokens.
  float scale = 1.0f;
  int16_t positionArgument = -1;
  bool operator==(const Attention &) const = default;
};

namespace attention {
enum Operand : uint8_t { Queries = 0, Keys = 1, Values = 2, Out = 3 }; // F16, F16, F16, F32
}

/// An operand as far as code depends on it; addresses are aligned to the element.
struct KernelOperand {
  ElementType type = ElementType::F32;
  uint32_t tokenStride = 0, subStride = 0; ///< Bytes.
  int16_t argument = -1;       ///< Its value times `argumentStride` bytes come on top of
  uint32_t argumentStride = 0; ///< the address that the kernel is given.
  uint64_t bytes = 0;          ///< The most that is touched, whatever the arguments; 0: not stated.
  bool operator==(const KernelOperand &) const = default;
};

using KernelWork = std::variant<VectorChain, Matmul, PackRows, EmbedRows, Attention>;

/// Stack that the code of a kernel may take for itself, in bytes.
constexpr uint64_t kKernelStackBytes = 256 * 1024;

/// A kernel that the runtime calls by itself.
struct KernelRequest {
  std::string name; ///< Unique among the kernels of one blob.
  KernelWork work;
  std::vector<KernelOperand> operands;
  bool operator==(const KernelRequest &) const = default;
};

} // namespace llmc::target
