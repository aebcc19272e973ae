// What came through the interface, checked: kernels, instruction sets and weights.
#include "targets/Plugin/PlainReader.h"

#include <limits>

namespace llmc::target {

void PlainReader::fail(std::string message) {
  if (error.empty())
    error = std::move(message);
}

std::string PlainReader::text(const char *string, const char *what) {
  if (string)
    return string;
  fail(fmt::format("{} is NULL", what));
  return {};
}

bool PlainReader::flag(uint32_t value, const char *what) {
  if (value > 1)
    fail(fmt::format("{} is {}, neither 0 nor 1", what, value));
  return value == 1;
}

uint32_t PlainReader::atMost(uint32_t value, uint32_t limit, const char *what) {
  if (value <= limit)
    return value;
  fail(fmt::format("{} is {}, at most {} is possible", what, value, limit));
  return 0;
}

int16_t PlainReader::argument(int32_t value) {
  if (value >= -1 && value <= std::numeric_limits<int16_t>::max())
    return int16_t(value);
  fail(fmt::format("an argument has index {}", value));
  return -1;
}

Extent PlainReader::extent(const llmc_extent &extent) {
  return {extent.value, argument(extent.argument)};
}

WeightFormat PlainReader::format(const llmc_weight_format &format) {
  return {enumerator(format.element, ElementType::U4, "an element type"),
          enumerator(format.scale, ScaleKind::F32Group, "a scale kind"), format.group};
}

PackRows PlainReader::packRows(const llmc_pack_rows &pack) {
  return {extent(pack.tokens), pack.sub_rows, pack.columns, pack.group};
}

Matmul PlainReader::matmul(const llmc_matmul &matmul) {
  Matmul to;
  to.kind = enumerator(matmul.kind, MatmulKind::Values, "a matmul's kind");
  to.epilogue = enumerator(matmul.epilogue, Epilogue::SiluMul, "an epilogue");
  to.accumulate = flag(matmul.accumulate, "accumulate");
  to.subRows = matmul.sub_rows;
  to.tokens = extent(matmul.tokens);
  to.n = extent(matmul.n);
  to.k = extent(matmul.k);
  to.format = format(matmul.format);
  to.scale = matmul.scale;
  return to;
}

VectorChain PlainReader::chain(const llmc_vector_chain &chain) {
  VectorChain to;
  to.tokens = extent(chain.tokens);
  to.columns = extent(chain.columns);
  to.subRows = chain.sub_rows;
  to.positionArgument = argument(chain.position_argument);
  to.firstToken = chain.first_token;
  if (const llmc_chain_step *steps = array(chain.steps, chain.n_steps, "steps"))
    for (uint32_t i = 0; i < chain.n_steps; ++i)
      to.steps.push_back({enumerator(steps[i].step, Step::StoreScalar, "a step"), steps[i].a,
                          steps[i].b, steps[i].operand, steps[i].imm});
  return to;
}

EmbedRows PlainReader::embedRows(const llmc_embed_rows &rows) {
  return {extent(rows.tokens), rows.columns, format(rows.format), flag(rows.gathered, "gathered")};
}

Attention PlainReader::attention(const llmc_attention &attention) {
  return {extent(attention.tokens),
          attention.heads,
          attention.kv_heads,
          attention.head_dim,
          attention.capacity,
          attention.scale,
          argument(attention.position_argument)};
}

KernelWork PlainReader::work(const llmc_kernel &kernel) {
  if (kernel.struct_size != sizeof kernel)
    fail(fmt::format("a kernel has struct_size {}, not {}", kernel.struct_size, sizeof kernel));
  switch (kernel.kind) {
  case LLMC_KERNEL_CHAIN:
    return chain(pointed(kernel.chain, "the chain of a kernel"));
  case LLMC_KERNEL_MATMUL:
    return matmul(pointed(kernel.matmul, "the matmul of a kernel"));
  case LLMC_KERNEL_PACK_ROWS:
    return packRows(pointed(kernel.pack_rows, "the pack_rows of a kernel"));
  case LLMC_KERNEL_EMBED_ROWS:
    return embedRows(pointed(kernel.embed_rows, "the embed_rows of a kernel"));
  case LLMC_KERNEL_ATTENTION:
    return attention(pointed(kernel.attention, "the attention of a kernel"));
  }
  fail(fmt::format("a kernel's kind is {}, the last there is is {}", kernel.kind,
                   unsigned(LLMC_KERNEL_ATTENTION)));
  return {};
}

KernelOperand PlainReader::operand(const llmc_kernel_operand &operand) {
  KernelOperand to;
  to.type = enumerator(operand.type, ElementType::U4, "an element type");
  to.tokenStride = operand.token_stride;
  to.subStride = operand.sub_stride;
  to.argument = argument(operand.argument);
  to.argumentStride = operand.argument_stride;
  to.bytes = operand.bytes;
  return to;
}

KernelRequest PlainReader::request(const llmc_kernel &kernel) {
  KernelRequest to{text(kernel.name, "the name of a kernel"), work(kernel), {}};
  if (const llmc_kernel_operand *operands = array(kernel.operands, kernel.n_operands, "operands"))
    for (uint32_t i = 0; i < kernel.n_operands; ++i)
      to.operands.push_back(operand(operands[i]));
  return to;
}

IsaTable PlainReader::isa(const llmc_isa_table &isa) {
  IsaTable to;
  if (isa.struct_size != sizeof isa)
    fail(fmt::format("an instruction set has struct_size {}, not {}", isa.struct_size, sizeof isa));
  to.name = text(isa.name, "the name of an instruction set");
  to.triple = text(isa.triple, "the triple of an instruction set");
  to.cpu = text(isa.cpu, "the cpu of an instruction set");
  to.features = text(isa.features, "the features of an instruction set");
  to.abi = text(isa.abi, "the abi of an instruction set");
  to.vectorBits = isa.vector_bits;
  to.dot = enumerator(isa.dot, DotKind::Described, "the dot product of an instruction set");
  if (to.dot == DotKind::Described)
    to.products = {text(isa.products.intrinsic, "the intrinsic of products"), isa.products.lanes,
                   flag(isa.products.words, "words"),
                   flag(isa.products.unsigned_weights, "unsigned_weights"),
                   !flag(isa.products.returns_products, "returns_products")};
  to.codeModel = enumerator(isa.code_model, CodeModel::Medium, "the code model");
  to.halfConversion = flag(isa.half_conversion, "half_conversion");
  to.fusedMultiplyAdd = flag(isa.fused_multiply_add, "fused_multiply_add");
  to.softFloat = flag(isa.soft_float, "soft_float");
  to.stackBytes = atMost(isa.stack_bytes, uint32_t(kKernelStackBytes), "stack_bytes");
  to.blobAlignment = isa.blob_alignment;
  if (isa.blob_alignment == 0 || (isa.blob_alignment & (isa.blob_alignment - 1)) != 0 ||
      isa.blob_alignment > kMostBlobAlignment)
    fail(fmt::format("blob_alignment is {}, not a power of two up to {}", isa.blob_alignment,
                     kMostBlobAlignment));
  return to;
}

WeightRows PlainReader::weights(const llmc_weights &weights) {
  WeightRows to;
  to.format = format(weights.shape.format);
  to.rows = weights.shape.rows;
  to.columns = weights.shape.columns;
  to.elements = weights.elements;
  to.rowScales = weights.row_scales;
  to.multipliers = weights.multipliers;
  to.halfScales = weights.half_scales;
  to.groupScales = weights.group_scales;
  return to;
}

} // namespace llmc::target
