#include "tools/make-model/ModelFolder.h"

#include "compiler/Support/AtomicFile.h"
#include "tools/llmc/Errors.h"
#include "tools/make-model/Exporter.h"

#include <filesystem>

namespace llmc::make {

static void writeText(const std::filesystem::path &path, const std::string &text) {
  std::string error;
  if (!writeFileAtomically(path.string(), text, error))
    throw InputError(error);
}

/// The graph comes last: a model that can be opened is complete.
int64_t writeModel(const ModelShape &shape, const ModelStyle &style, const std::string &name) {
  const std::filesystem::path folder(name);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    throw InputError("cannot create the folder '" + name + "': " + problem.message());
  const Element element = style.half ? Element::Float16 : Element::Float32;
  WeightFile weights((folder / weightFileName).string(), element);
  const std::string graph = style.genai ? exportGenai(shape, element, weights)
                                        : exportDecomposed(shape, element, weights);
  weights.commit();
  writeText(folder / "config.json", configJson(shape, style.half));
  writeText(folder / modelFileName, graph);
  return int64_t(weights.position());
}

} // namespace llmc::make
