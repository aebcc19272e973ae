#include "passes/Raising/BlockQuantized.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/WeightViews.h"

using namespace mlir;

namespace llmc::passes {

/// True where every stored zero point is the implied one, 2^(bits-1).
static bool impliedZeroPoints(lm::WeightOp zeroPoints, int64_t bits) {
  FailureOr<lm::WeightView> view = lm::viewOf(zeroPoints);
  if (failed(view) || !stridedOf(zeroPoints).isRowMajor() ||
      zeroPoints.tensorType().getElementTypeBitWidth() != 8)
    return false;
  auto expected = uint8_t(bits == 4 ? 0x88 : 0x80);
  const auto *bytes = view->as<uint8_t>();
  for (int64_t i = 0, count = zeroPoints.tensorType().getNumElements(); i < count; ++i)
    if (bytes[view->isSplat ? 0 : i] != expected)
      return false;
  return true;
}

static bool checkForm(const BlockQuantizedForm &form, lm::WeightOp packed, lm::WeightOp scales,
                      Attempt &attempt) {
  constexpr int64_t largest = int64_t(1) << 24; // Products of three fit.
  if (!attempt.require(form.bits == 4 || form.bits == 8,
                       "bits is " + Twine(form.bits) + ", 4 and 8 are known") ||
      !attempt.require(form.group >= 16 && form.group <= largest && llvm::isPowerOf2_64(form.group),
                       "block_size is " + Twine(form.group) + ", must be a power of two from 16") ||
      !attempt.require(form.rows > 0 && form.columns > 0 && form.rows <= largest &&
                           form.columns <= largest,
                       "rows and columns must be positive") ||
      !attempt.require(bool(packed) && packed.tensorType().getElementTypeBitWidth() == 8,
                       "the packed weight must be a constant of bytes") ||
      !attempt.require(bool(scales) && scales.tensorType().getElementType().isF32(),
                       "the scales must be a constant of f32"))
    return false;
  int64_t groups = (form.columns + form.group - 1) / form.group;
  int64_t bytes = form.rows * groups * form.group * form.bits / 8;
  return attempt.require(
             packed.tensorType().getNumElements() == bytes && stridedOf(packed).isRowMajor(),
             "the packed weight has " + Twine(packed.tensorType().getNumElements()) + " bytes, " +
                 Twine(form.rows) + " rows of " + Twine(groups) + " blocks need " + Twine(bytes)) &&
         attempt.require(scales.tensorType().getNumElements() == form.rows * groups,
                         "there must be one scale for each block");
}

std::optional<BlockQuantized> unpackBlocks(const BlockQuantizedForm &form, Attempt &attempt) {
  lm::WeightOp packed = lm::weightOf(form.packed), scales = lm::weightOf(form.scales);
  if (!checkForm(form, packed, scales, attempt))
    return std::nullopt;
  if (form.zeroPoints) {
    lm::WeightOp zeroPoints = lm::weightOf(form.zeroPoints);
    if (!attempt.require(bool(zeroPoints) && impliedZeroPoints(zeroPoints, form.bits),
                         "a zero point is not " + Twine(1 << (form.bits - 1)) +
                             "; asymmetric grids have no format"))
      return std::nullopt;
  }
  int64_t groups = (form.columns + form.group - 1) / form.group;
  BlockQuantized result;
  result.integers = unpackedWeight(packed, form.rows, form.columns,
                                   groups * form.group * form.bits / 8, form.bits);
  result.scales = reshapedWeight(scales, {form.rows, groups});
  result.format = lm::FormatAttr::get(packed.getContext(),
                                      form.bits == 4 ? lm::ElementKind::I4 : lm::ElementKind::I8,
                                      uint32_t(form.group), lm::ScaleKind::F32);
  if (!attempt.require(bool(result.integers), "the bytes of the packed weight are not there") ||
      !attempt.require(bool(result.scales), "the scales are not stored row by row"))
    return std::nullopt;
  return result;
}

} // namespace llmc::passes
