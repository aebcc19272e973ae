// A compiled plan, evaluated on its device.
#include "tools/llmc/Evaluable.h"
#include "tools/llmc/PlanRunner.h"

namespace llmc {

namespace {

class EvaluablePlan : public Evaluable {
public:
  EvaluablePlan(const std::string &path, const DeviceRegistry &devices,
                const DeviceOptions &options)
      : runner(path, devices, options) {}

  uint32_t vocabulary() const override { return runner.lm().vocab(); }
  uint32_t context() const override { return runner.plan().contextLength(); }
  std::string device() const override { return runner.machine(); }
  std::optional<Execution> execution() const override {
    return Execution{runner.device().isa(), runner.device().threads()};
  }
  const TextCodec &text() override { return runner.text("--text"); }
  void reset() override { runner.reset(); }
  void feed(std::span<const int32_t> ids, std::vector<float> &logits) override {
    logits.clear();
    runner.evaluate(ids, logits);
  }

private:
  PlanRunner runner;
};

} // namespace

std::unique_ptr<Evaluable> openPlan(const std::string &path, const DeviceRegistry &devices,
                                    const DeviceOptions &options) {
  return std::make_unique<EvaluablePlan>(path, devices, options);
}

} // namespace llmc
