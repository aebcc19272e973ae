#include "tools/conformance/TinyModel.h"

#include "targets/Reference/Random.h"
#include "tools/make-model/ModelFolder.h"

#include <stdexcept>

namespace llmc::conformance {

const make::ModelShape &evenShape() {
  // name, hidden, layers, heads, kvHeads, headDim, ffn, vocabulary, context, ropeTheta, tied
  static const make::ModelShape shape = {"even", 64, 2, 4, 2, 16, 96, 160, 256, 1e4, true};
  return shape;
}

const make::ModelShape &oddShape() {
  static const make::ModelShape shape = {"odd", 72, 3, 3, 1, 24, 104, 131, 256, 1e4, false};
  return shape;
}

TinyModel::TinyModel(const make::ModelShape &shape, const std::string &recipe, uint32_t context,
                     const Compiler &compiler, uint64_t seed)
    : recipe(recipe), context(context), vocabulary(uint32_t(shape.vocabulary)),
      shapeName(shape.name), folder("llmc-conformance") {
  make::writeModel(shape, {}, folder.file("."));
  target::Random random(seed);
  for (uint32_t i = 0; i < context; ++i)
    ids.push_back(int32_t(random.below(vocabulary)));
  std::string error;
  const auto reference =
      compiler.loadReference({folder.file("model.onnx"), recipe, context}, error);
  if (!reference || !reference->feed(ids, expected, error))
    throw std::runtime_error("the reference evaluator refuses the model '" + shapeName +
                             "': " + error);
}

CompileOptions TinyModel::options(const std::string &machine, const std::string &output) const {
  CompileOptions options;
  options.model = folder.file("model.onnx");
  options.machine = machine;
  options.quant = recipe;
  options.context = context;
  options.output = folder.file(output);
  return options;
}

} // namespace llmc::conformance
