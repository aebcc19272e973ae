// What a compilation spends its time on.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace llmc {

struct PhaseTime {
  std::string name;
  double seconds = 0;
};

/// Phases end one behind another; each lasts from the end of the one before.
class PhaseTimes {
public:
  void end(std::string name) {
    const Clock::time_point now = Clock::now();
    phases.push_back({std::move(name), std::chrono::duration<double>(now - last).count()});
    last = now;
  }

  const std::vector<PhaseTime> &all() const { return phases; }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last = Clock::now();
  std::vector<PhaseTime> phases;
};

} // namespace llmc
