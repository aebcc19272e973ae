// An ONNX model, evaluated by the reference evaluator.
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "tools/llmc/CompileCommand.h"
#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/Errors.h"

#include <filesystem>

namespace llmc {

namespace {

class EvaluableModel : public Evaluable {
public:
  explicit EvaluableModel(const ModelChoice &choice) : path(choice.path) {
    ReferenceOptions options;
    options.model = choice.path;
    options.quant = choice.quant;
    options.context = choice.context;
    std::string error;
    model = loadCompiler().loadReference(options, error);
    if (!model)
      throw InputError(error);
  }

  uint32_t vocabulary() const override { return model->vocabulary(); }
  uint32_t context() const override { return model->context(); }
  std::string device() const override { return "reference"; }

  const TextCodec &text() override {
    if (codec)
      return *codec;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    auto result = importTokenizer(folder.empty() ? "." : folder);
    if (const auto *error = std::get_if<TokenizerError>(&result))
      throw InputError(error->message);
    segment = std::get<ImportedTokenizer>(std::move(result)).segment;
    codec = std::make_unique<TextCodec>(rt::Span<const uint8_t>(segment.data(), segment.size()),
                                        "'" + path + "'");
    return *codec;
  }

  void reset() override { model->reset(); }

  void feed(std::span<const int32_t> ids, std::vector<float> &logits) override {
    std::string error;
    logits.clear();
    if (!model->feed(ids, logits, error))
      throw InputError(error);
  }

private:
  std::string path;
  std::unique_ptr<ReferenceModel> model;
  std::vector<uint8_t> segment;
  std::unique_ptr<TextCodec> codec;
};

} // namespace

std::unique_ptr<Evaluable> openReferenceModel(const ModelChoice &choice) {
  return std::make_unique<EvaluableModel>(choice);
}

} // namespace llmc
