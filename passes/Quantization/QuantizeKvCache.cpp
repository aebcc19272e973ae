// Pass llmc-quantize-kv-cache: holds the key/value cache in f16.
#include "passes/Quantization/QuantizeKvCache.h"

#include "dialects/Lm/Lm.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_QUANTIZEKVCACHEPASS
#include "passes/Quantization/QuantizeKvCache.h.inc"

namespace {

struct QuantizeKvCachePass : impl::QuantizeKvCachePassBase<QuantizeKvCachePass> {
  void runOnOperation() override {
    known.clear();
    OpBuilder builder(&getContext());
    getOperation().walk([&](lm::KvStateOp state) { state.setElement(builder.getF16Type()); });
    getOperation().walk([&](lm::AttentionOp attention) {
      for (OpOperand *operand :
           {&attention.getQMutable(), &attention.getKMutable(), &attention.getVMutable()})
        operand->set(rounded(builder, operand->get()));
    });
  }

private:
  Value rounded(OpBuilder &builder, Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType().isF16())
      return value;
    Value &result = known[value];
    if (!result) {
      builder.setInsertionPointAfterValue(value);
      result =
          lm::RoundF16Op::create(builder, value.getLoc(), type.clone(builder.getF16Type()), value);
    }
    return result;
  }

  DenseMap<Value, Value> known;
};

} // namespace
} // namespace llmc::passes
