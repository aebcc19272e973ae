// Imports hostile bytes as an ONNX model, with a small file of external data beside it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "compiler/Import/Onnx/ImportOnnx.h"
#include "test/fuzz/reference_device.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

using namespace llmc;

namespace {

/// A folder of this process for the model and its external data.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "llmc-fuzz-XXXXXX").string();
    if (!mkdtemp(name.data()))
      fuzz::finding("no folder for the model");
    path = name;
    std::ofstream(path / "weights.bin", std::ios::binary) << std::string(256, 'w');
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// A context keeps everything that was made in it, so it is renewed now and then.
class Importer {
public:
  void run(const std::string &path) {
    if (!context || ++uses % 128 == 0)
      context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    unsigned errors = 0;
    mlir::ScopedDiagnosticHandler handler(context.get(), [&](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
      return mlir::success();
    });
    auto model = importOnnx(path, *context);
    if (failed(model) != (errors == 1))
      fuzz::finding("an import that fails has one error, and any other none");
    if (succeeded(model) && failed(mlir::verify(*model->module)))
      fuzz::finding("the imported module is not valid");
  }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  unsigned uses = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Folder folder;
  static Importer importer;
  const std::string path = (folder.path / "model.onnx").string();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char *>(data), long(size));
  importer.run(path);
  return 0;
}
