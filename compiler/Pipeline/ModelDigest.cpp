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

/// The bytes of a dense weight in order; a view is read element by element.
void addWeight(Sha256Stream &stream, lm::WeightOp weight) {
  FailureOr<lm::WeightView> view = lm::viewOf(weight);
  if (failed(view))
    return;
  size_t size = std::max(1u, view->elementType.getIntOrFloatBitWidth() / 8);
  int64_t rows = view->shape.size() > 1 ? view->shape[0] : 1,
          columns = view->shape.empty() ? 1 : view->shape.back();
  int64_t rowStride = view->shape.size() > 1 ? view->strides[0] : 0,
          stride = view->shape.empty() ? 0 : view->strides.back();
  std::vector<uint8_t> row(size_t(columns) * size);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      std::memcpy(&row[size_t(c) * size],
                  view->data + (view->offset + r * rowStride + c * stride) * int64_t(size), size);
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
