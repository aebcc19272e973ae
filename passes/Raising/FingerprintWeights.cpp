// Pass llmc-fingerprint-weights: contents of weights as digests.
#include "passes/Raising/FingerprintWeights.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/HostTensor.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_FINGERPRINTWEIGHTSPASS
#include "passes/Raising/FingerprintWeights.h.inc"

namespace {

/// SHA-256 of the viewed elements in row-major order, as numbers of the weight's type, in
/// hexadecimal.
FailureOr<std::string> digestOf(lm::WeightOp weight) {
  FailureOr<lm::WeightView> view = lm::viewOf(weight);
  if (failed(view))
    return failure();
  // Bools are bytes in resources and bits in attributes; none reaches a canonical program.
  unsigned bits = weight.tensorType().getElementTypeBitWidth();
  bool widened = lm::isWidened(weight);
  if (bits % 8 != 0)
    return weight.emitOpError() << "@" << weight.getSymName() << ": elements of " << bits
                                << " bits have no digest";
  size_t bytes = bits / 8;
  llvm::SHA256 hash;
  std::vector<uint8_t> row;
  forEachIndex(view->shape, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t at = view->offset;
    for (auto [position, stride] : llvm::zip(index, view->strides))
      at += position * stride;
    float wide = widened ? lm::floatAt(*view, at) : 0.0F;
    const auto *element = widened ? reinterpret_cast<const uint8_t *>(&wide)
                                  : reinterpret_cast<const uint8_t *>(view->data) + at * bytes;
    row.insert(row.end(), element, element + bytes);
    constexpr size_t batch = 1 << 16;
    if (row.size() >= batch) {
      hash.update(row);
      row.clear();
    }
  });
  hash.update(row);
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

struct FingerprintWeightsPass : impl::FingerprintWeightsPassBase<FingerprintWeightsPass> {
  void runOnOperation() override {
    Builder builder(&getContext());
    for (auto weight : getOperation().getOps<lm::WeightOp>()) {
      FailureOr<std::string> digest = digestOf(weight);
      if (failed(digest))
        return signalPassFailure();
      RankedTensorType type = weight.tensorType();
      weight.setValueAttr(DenseElementsAttr::get(type, builder.getZeroAttr(type.getElementType())));
      weight.removeOffsetAttr();
      weight.removeStridesAttr();
      weight->removeAttr("lm.origin");
      weight->setAttr("lm.digest", builder.getStringAttr(*digest));
    }
  }
};

} // namespace
} // namespace llmc::passes
