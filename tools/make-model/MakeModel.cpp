// llmc-make-model: writes a language model of a known shape with random weights, as an exporter
// would.
#include "tools/llmc/Errors.h"
#include "tools/make-model/ModelFolder.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

using namespace llmc;
using namespace llmc::make;

namespace {

struct Options {
  std::string shape, exporter = "decomposed", dtype = "fp32", folder;
  int64_t layers = 0; ///< 0: as many as the shape has.
};

void makeModel(const Options &options) {
  ModelShape shape = *findShape(options.shape);
  if (options.layers)
    shape.layers = options.layers;
  const int64_t bytes =
      writeModel(shape, {options.exporter == "genai", options.dtype == "fp16"}, options.folder);
  fmt::print("{}: {}, {} bytes of weights\n",
             (std::filesystem::path(options.folder) / modelFileName).string(), shape.name, bytes);
}

int run(int argc, char **argv) {
  CLI::App app("Writes model.onnx, model.onnx.data and config.json of a known shape with random, "
               "reproducible weights; no tokenizer",
               "llmc-make-model");
  Options options;
  std::vector<std::string> shapes;
  for (const ModelShape &shape : knownShapes())
    shapes.push_back(shape.name);
  app.add_option("--shape", options.shape, "Model to imitate")
      ->required()
      ->check(CLI::IsMember(shapes));
  app.add_option("--exporter", options.exporter, "Whose graph: decomposed (TorchScript) or genai")
      ->check(CLI::IsMember({"decomposed", "genai"}))
      ->capture_default_str();
  app.add_option("--layers", options.layers, "Layers, where not as many as the model has")
      ->check(CLI::Range(1, 1000));
  app.add_option("--dtype", options.dtype, "Of weights and activations")
      ->check(CLI::IsMember({"fp32", "fp16"}))
      ->capture_default_str();
  app.add_option("-o,--output", options.folder, "Folder to write; created where it is missing")
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    throw InputError(std::string(error.what()) +
                     "; 'llmc-make-model --help' says what can be given");
  }
  makeModel(options);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const InputError &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  } catch (const std::exception &error) {
    fmt::print(stderr, "internal error: {}\n", error.what());
    return 2;
  }
}
