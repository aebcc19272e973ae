#include "compiler/Pipeline/ModelDigest.h"

#include "compiler/Emit/Sha256.h"
#include "dialects/Lm/LmWeights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace llmc {

namespace {

void addText(Sha256Stream &stream, const std::string &text) {
  stream.update({reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

/// The elements of a weight in order, as numbers of its type; a view is read one by one.
void addWeight(Sha256Stream &stream, lm::WeightOp weight) {
  FailureOr<lm::WeightView> view = lm::viewOf(weight);
  if (failed(view))
    return;
  size_t size = std::max(1u, weight.tensorType().getElementTypeBitWidth() / 8);
  bool widened = lm::isWidened(weight);
  int64_t rows = view->shape.size() > 1 ? view->shape[0] : 1,
          columns = view->shape.empty() ? 1 : view->shape.back();
  int64_t rowStride = view->shape.size() > 1 ? view->strides[0] : 0,
          stride = view->shape.empty() ? 0 : view->strides.back();
  std::vector<uint8_t> row(size_t(columns) * size);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      int64_t at = view->offset + r * rowStride + c * stride;
      float wide = widened ? lm::floatAt(*view, at) : 0.0F;
      const void *from =
          widened ? static_cast<const void *>(&wide) : view->data + at * int64_t(size);
      std::memcpy(&row[size_t(c) * size], from, size);
    }
    stream.update(row);
  }
}

} // namespace

std::array<uint8_t, 32> modelDigest(ModuleOp module) {
  Sha256Stream stream;
  std::string text;
  llvm::raw_string_ostream out(text);
  SymbolTable symbols(module);
  for (auto state : module.getOps<lm::KvStateOp>())
    out << state.getLayers() << ' ' << state.getKvHeads() << ' ' << state.getHeadDim() << ' '
        << state.getElement() << ';';
  if (auto main = symbols.lookup<func::FuncOp>("main"))
    main.walk([&](Operation *op) {
      out << op->getName() << op->getResultTypes();
      if (auto get = dyn_cast<lm::GetOp>(op)) {
        addText(stream, text);
        text.clear();
        if (auto weight = symbols.lookup<lm::WeightOp>(get.getWeight()))
          addWeight(stream, weight);
      } else {
        out << op->getAttrDictionary();
      }
    });
  addText(stream, text);
  return stream.finish();
}

} // namespace llmc
