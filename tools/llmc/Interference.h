// What others took of the CPUs while this process ran, as the system's own accounts say.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace llmc {

/// Of the threads that exist when it is made.
class ThreadDelays {
public:
  ThreadDelays();
  ThreadDelays(const ThreadDelays &) = delete;
  ThreadDelays &operator=(const ThreadDelays &) = delete;
  ~ThreadDelays();

  /// Seconds, of all threads together, in which one could have run and had no CPU. Nothing where
  /// the system does not count them.
  std::optional<double> seconds() const;

private:
  std::vector<int> files;
};

/// Seconds that the machine below a virtual one kept its CPUs from running, of all CPUs together.
/// Counted in hundredths; nothing where the system does not say.
std::optional<double> stolenSeconds();

} // namespace llmc
