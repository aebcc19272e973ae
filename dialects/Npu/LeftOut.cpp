#include "dialects/Npu/LeftOut.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace llmc::npu {

void addLeftOut(ModuleOp module, StringRef entry, StringRef reason) {
  Builder builder(module.getContext());
  NamedAttrList all(module->getAttrOfType<DictionaryAttr>(leftOutAttributeName));
  all.set(entry, builder.getStringAttr(reason));
  module->setAttr(leftOutAttributeName, all.getDictionary(module.getContext()));
}

std::vector<LeftOut> leftOutOf(ModuleOp module) {
  std::vector<LeftOut> result;
  if (auto all = module->getAttrOfType<DictionaryAttr>(leftOutAttributeName))
    for (NamedAttribute entry : all)
      result.push_back({entry.getName().str(), cast<StringAttr>(entry.getValue()).str()});
  return result;
}

} // namespace llmc::npu
