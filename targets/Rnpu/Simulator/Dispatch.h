// One dispatch: every command resolved, judged, executed, costed and counted as the timeline
// issues it.
#pragma once

#include "targets/Rnpu/Simulator/Simulator.h"

namespace llmc::rnpu {

class Dispatch {
public:
  Dispatch(Simulator &simulator, const target::Program &program,
           rt::Span<const uint32_t> arguments);
  Result run();

private:
  bool checkProgram();
  bool checkCommand(const target::Command &command, const char *section);
  bool makeRoomForEpochs();
  std::optional<Cost> issue(const Instance &instance, const Clock &clock);
  bool judge(const Instance &instance, const Clock &clock);
  bool judgeRead(const Access &access, const Instance &instance, const Clock &clock);
  bool judgeWrite(const Access &access, const Instance &instance, const Clock &clock);
  bool race(const Access &access, const Instance &instance, const Conflict &conflict, bool write);
  Cost costOf(const Instance &instance);
  Cost dmaCost(const target::Dma &dma);
  void perturb(Cost &cost);
  void count(const Instance &instance);
  void tap(const Instance &instance);

  Simulator &simulator;
  const target::Program &program;
  rt::Span<const uint32_t> arguments;
  Reporter reporter;
  Resolver resolver;
  Resolved resolved;
  Result result;
  uint64_t random = 0;
};

} // namespace llmc::rnpu
