// Kernels and their parts.
#include "targets/Plugin/Convert.h"

#include <cstring>
#include <type_traits>

namespace llmc::target {

namespace {

// The numbers of both sides are the same; what is listed last is the last.
template <typename Enum> constexpr bool same(Enum value, unsigned plain) {
  return unsigned(value) == plain;
}
static_assert(same(ElementType::F32, LLMC_ELEMENT_F32) && same(ElementType::F16, LLMC_ELEMENT_F16));
static_assert(same(ElementType::I8, LLMC_ELEMENT_I8) && same(ElementType::I4, LLMC_ELEMENT_I4));
static_assert(same(ElementType::I32, LLMC_ELEMENT_I32) && same(ElementType::U8, LLMC_ELEMENT_U8));
static_assert(same(ElementType::U4, LLMC_ELEMENT_U4));
static_assert(same(ScaleKind::F32Row, LLMC_SCALE_F32_ROW) &&
              same(ScaleKind::MultiplierF32Row, LLMC_SCALE_MULTIPLIER_F32_ROW));
static_assert(same(ScaleKind::F16Group, LLMC_SCALE_F16_GROUP) &&
              same(ScaleKind::F32Group, LLMC_SCALE_F32_GROUP));
static_assert(same(MatmulKind::Linear, LLMC_MATMUL_LINEAR) &&
              same(MatmulKind::Scores, LLMC_MATMUL_SCORES) &&
              same(MatmulKind::Values, LLMC_MATMUL_VALUES));
static_assert(same(Epilogue::Store, LLMC_EPILOGUE_STORE) &&
              same(Epilogue::Add, LLMC_EPILOGUE_ADD) &&
              same(Epilogue::SiluMul, LLMC_EPILOGUE_SILU_MUL));
static_assert(same(Step::LoadMatrix, LLMC_STEP_LOAD_MATRIX) &&
              same(Step::LoadRow, LLMC_STEP_LOAD_ROW) &&
              same(Step::LoadScalar, LLMC_STEP_LOAD_SCALAR) &&
              same(Step::Constant, LLMC_STEP_CONSTANT));
static_assert(same(Step::Add, LLMC_STEP_ADD) && same(Step::Sub, LLMC_STEP_SUB) &&
              same(Step::Mul, LLMC_STEP_MUL) && same(Step::Max, LLMC_STEP_MAX) &&
              same(Step::Min, LLMC_STEP_MIN));
static_assert(same(Step::Recip, LLMC_STEP_RECIP) && same(Step::Rsqrt, LLMC_STEP_RSQRT) &&
              same(Step::Exp, LLMC_STEP_EXP) && same(Step::Sigmoid, LLMC_STEP_SIGMOID) &&
              same(Step::RoundF16, LLMC_STEP_ROUND_F16));
static_assert(same(Step::SumLanes, LLMC_STEP_SUM_LANES) &&
              same(Step::MaxVisible, LLMC_STEP_MAX_VISIBLE) &&
              same(Step::AbsMax, LLMC_STEP_ABS_MAX) && same(Step::KeepGe, LLMC_STEP_KEEP_GE) &&
              same(Step::MaskVisible, LLMC_STEP_MASK_VISIBLE));
static_assert(same(Step::InverseScale, LLMC_STEP_INVERSE_SCALE) &&
              same(Step::ActivationScale, LLMC_STEP_ACTIVATION_SCALE) &&
              same(Step::LoadGroup, LLMC_STEP_LOAD_GROUP) &&
              same(Step::StoreMatrix, LLMC_STEP_STORE_MATRIX) &&
              same(Step::StoreScalar, LLMC_STEP_STORE_SCALAR) &&
              same(Step::StoreScalar, LLMC_STEP_COUNT - 1));

// The order of KernelWork is that of llmc_kernel_kind.
template <unsigned kind, typename Work>
constexpr bool isKind = std::is_same_v<std::variant_alternative_t<kind, KernelWork>, Work>;
static_assert(isKind<LLMC_KERNEL_CHAIN, VectorChain> && isKind<LLMC_KERNEL_MATMUL, Matmul> &&
              isKind<LLMC_KERNEL_PACK_ROWS, PackRows> &&
              isKind<LLMC_KERNEL_EMBED_ROWS, EmbedRows> &&
              isKind<LLMC_KERNEL_ATTENTION, Attention>);

llmc_kernel_operand plainOf(const KernelOperand &operand) {
  llmc_kernel_operand plain{};
  plain.type = uint8_t(operand.type);
  plain.token_stride = operand.tokenStride;
  plain.sub_stride = operand.subStride;
  plain.argument = operand.argument;
  plain.argument_stride = operand.argumentStride;
  plain.bytes = operand.bytes;
  return plain;
}

} // namespace

llmc_extent plainOf(Extent extent) { return {extent.value, extent.argument}; }

llmc_weight_format plainOf(const WeightFormat &format) {
  return {uint8_t(format.element), uint8_t(format.scale), {}, format.group};
}

llmc_pack_rows plainOf(const PackRows &pack) {
  return {plainOf(pack.tokens), pack.subRows, pack.columns, pack.group};
}

PlainKernel::PlainKernel(const KernelWork &kernelWork) {
  plain.struct_size = sizeof plain;
  plain.kind = uint32_t(kernelWork.index());
  plain.name = "";
  std::visit([this](const auto &kernel) { set(kernel); }, kernelWork);
}

PlainKernel::PlainKernel(const KernelRequest &request) : PlainKernel(request.work) {
  name = request.name;
  plain.name = name.c_str();
  for (const KernelOperand &operand : request.operands)
    operands.push_back(plainOf(operand));
  plain.operands = operands.data();
  plain.n_operands = uint32_t(operands.size());
}

void PlainKernel::set(const VectorChain &chain) {
  for (const ChainStep &step : chain.steps)
    steps.push_back({uint8_t(step.step), step.a, step.b, step.operand, step.imm});
  llmc_vector_chain &to = work.emplace<llmc_vector_chain>();
  to.tokens = plainOf(chain.tokens);
  to.columns = plainOf(chain.columns);
  to.sub_rows = chain.subRows;
  to.position_argument = chain.positionArgument;
  to.first_token = chain.firstToken;
  to.n_steps = uint32_t(steps.size());
  to.steps = steps.data();
  plain.chain = &to;
}

void PlainKernel::set(const Matmul &matmul) {
  llmc_matmul &to = work.emplace<llmc_matmul>();
  to.kind = uint8_t(matmul.kind);
  to.epilogue = uint8_t(matmul.epilogue);
  to.accumulate = matmul.accumulate;
  to.sub_rows = matmul.subRows;
  to.tokens = plainOf(matmul.tokens);
  to.n = plainOf(matmul.n);
  to.k = plainOf(matmul.k);
  to.format = plainOf(matmul.format);
  to.scale = matmul.scale;
  plain.matmul = &to;
}

void PlainKernel::set(const PackRows &pack) {
  plain.pack_rows = &work.emplace<llmc_pack_rows>(plainOf(pack));
}

void PlainKernel::set(const EmbedRows &rows) {
  plain.embed_rows = &work.emplace<llmc_embed_rows>(
      llmc_embed_rows{plainOf(rows.tokens), rows.columns, plainOf(rows.format), rows.gathered});
}

void PlainKernel::set(const Attention &attention) {
  plain.attention = &work.emplace<llmc_attention>(llmc_attention{
      plainOf(attention.tokens), attention.heads, attention.kvHeads, attention.headDim,
      attention.capacity, attention.scale, attention.positionArgument});
}

PlainKernels::PlainKernels(const std::vector<KernelRequest> &requests) {
  for (const KernelRequest &request : requests)
    structs.push_back(kernels.emplace_back(request).kernel());
}

} // namespace llmc::target
