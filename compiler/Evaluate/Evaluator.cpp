// The reference evaluator's interface.
#include "compiler/Evaluate/Evaluator.h"

#include "compiler/Evaluate/Interpreter.h"

#include <cstring>

using namespace mlir;

namespace llmc::evaluate {

FailureOr<Evaluator> Evaluator::create(ModuleOp module, StringRef function, unsigned threads) {
  auto interpreter = std::make_unique<Interpreter>(threads);
  if (failed(interpreter->prepare(module, function)))
    return failure();
  return Evaluator(std::move(interpreter));
}

Evaluator::Evaluator(std::unique_ptr<Interpreter> interpreter)
    : interpreter(std::move(interpreter)) {}
Evaluator::Evaluator(Evaluator &&) = default;
Evaluator &Evaluator::operator=(Evaluator &&) = default;
Evaluator::~Evaluator() = default;

LogicalResult Evaluator::run(std::span<const int32_t> ids, int64_t position, EvaluatorState &state,
                             std::vector<float> &result) {
  Builder builder(interpreter->function.getContext());
  Datum input = interpreter->newDatum(builder.getI32Type(), {int64_t(ids.size())});
  std::copy(ids.begin(), ids.end(), input.as<int32_t>());
  return interpreter->run(std::move(input), position, state, result);
}

LogicalResult Evaluator::runRows(std::span<const float> rows, int64_t channels, int64_t position,
                                 EvaluatorState &state, std::vector<float> &result) {
  if (channels <= 0 || int64_t(rows.size()) % channels != 0)
    return interpreter->function.emitError()
           << rows.size() << " values are no whole rows of " << channels << " channels";
  Builder builder(interpreter->function.getContext());
  Datum input =
      interpreter->newDatum(builder.getF32Type(), {int64_t(rows.size()) / channels, channels});
  std::copy(rows.begin(), rows.end(), input.as<float>());
  return interpreter->run(std::move(input), position, state, result);
}

void Evaluator::setTap(Tap tap) { interpreter->tap = std::move(tap); }
uint64_t Evaluator::saturatedHalves() const { return interpreter->saturated; }

int64_t Evaluator::resultChannels() const {
  return cast<RankedTensorType>(interpreter->function.getResultTypes()[0]).getDimSize(1);
}

} // namespace llmc::evaluate
