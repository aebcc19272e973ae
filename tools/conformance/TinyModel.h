// Small models in a temporary folder, and what the reference evaluator makes of them.
#pragma once

#include "compiler/Library/CompilerLibrary.h"
#include "tools/llmc/TemporaryFolder.h"
#include "tools/make-model/ModelShape.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::conformance {

class TinyModel {
public:
  /// Throws where the folder cannot be written or the evaluator refuses the model.
  TinyModel(const make::ModelShape &shape, const std::string &recipe, uint32_t context,
            const Compiler &compiler, uint64_t seed);

  const std::string recipe;
  const uint32_t context, vocabulary;
  std::vector<int32_t> ids;    ///< As many as the context takes.
  std::vector<float> expected; ///< Logits of each.
  std::string name() const { return shapeName; }
  std::string file(const std::string &name) const { return folder.file(name); }
  CompileOptions options(const std::string &machine, const std::string &output) const;

private:
  std::string shapeName;
  TemporaryFolder folder;
};

/// With everything in even sizes, and with nothing so.
const make::ModelShape &evenShape();
const make::ModelShape &oddShape();

} // namespace llmc::conformance
