// Pass llmc-collect-weight-statistics: measures every fp32 weight.
#include "passes/Quantization/CollectWeightStatistics.h"

#include "passes/Quantization/WeightStatistics.h"
#include "passes/Quantization/WeightValues.h"

#include "mlir/IR/Threading.h"

#include <cmath>

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_COLLECTWEIGHTSTATISTICSPASS
#include "passes/Quantization/CollectWeightStatistics.h.inc"

namespace {

struct Measurement {
  lm::WeightOp weight;
  WeightView view;
  FloatStatistics statistics;
  std::optional<std::pair<uint32_t, uint32_t>> notFinite; ///< Row and column of the first.
};

/// The sum of squares runs over rows ascending, so it does not depend on threads.
void measure(Measurement &measurement) {
  const WeightView &view = measurement.view;
  RowReader rows(view);
  double squares = 0;
  float absMax = 0;
  for (uint32_t row = 0; row < view.rows; ++row) {
    const float *w = rows.row(row);
    for (uint32_t column = 0; column < view.columns; ++column) {
      float value = w[column];
      if (!std::isfinite(value)) {
        measurement.notFinite = {row, column};
        return;
      }
      absMax = std::max(absMax, std::fabs(value));
      squares += double(value) * double(value);
    }
  }
  measurement.statistics.absMax = absMax;
  measurement.statistics.rms = std::sqrt(squares / (double(view.rows) * double(view.columns)));
}

struct CollectWeightStatisticsPass
    : impl::CollectWeightStatisticsPassBase<CollectWeightStatisticsPass> {
  explicit CollectWeightStatisticsPass(DoneReading done = {}) : done(std::move(done)) {}

  void runOnOperation() override {
    std::vector<Measurement> measurements;
    for (auto weight : getOperation().getOps<lm::WeightOp>()) {
      FailureOr<std::optional<WeightView>> view = floatViewOf(weight);
      if (failed(view))
        return signalPassFailure();
      if (*view)
        measurements.push_back({weight, **view, {}, {}});
    }
    parallelFor(&getContext(), 0, measurements.size(), [&](size_t index) {
      measure(measurements[index]);
      tellDone(done, measurements[index].weight);
    });
    for (const Measurement &measurement : measurements) {
      lm::WeightOp weight = measurement.weight;
      if (measurement.notFinite) {
        auto [row, column] = *measurement.notFinite;
        weight.emitOpError() << "@" << weight.getSymName() << " holds a NaN or infinity at row "
                             << row << ", column " << column
                             << "; the model file is damaged: fetch or export it again";
        return signalPassFailure();
      }
      setFloatStatistics(weight, measurement.statistics);
    }
  }

private:
  DoneReading done;
};

} // namespace

std::unique_ptr<Pass> createCollectWeightStatisticsPass(DoneReading done) {
  return std::make_unique<CollectWeightStatisticsPass>(std::move(done));
}

} // namespace llmc::passes
