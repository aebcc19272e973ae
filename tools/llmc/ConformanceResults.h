// What conformance found, from one process to another.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/llmc/Isolation.h"

#include <string>
#include <vector>

namespace llmc {

/// A report that grows in children and is read where they are watched. Shared with processes that
/// are forked from then on; one that dies loses the class that it was in.
class ConformanceResults {
public:
  ConformanceResults();
  ~ConformanceResults();
  ConformanceResults(const ConformanceResults &) = delete;
  ConformanceResults &operator=(const ConformanceResults &) = delete;

  /// In a child. All classes that there are to be; every child says the same.
  void begin(const conformance::Report &empty, const std::vector<std::string> &classes);
  void add(const conformance::ClassResult &checks);

  /// In the process that watches. What children have said since the last time.
  void read();
  /// What a child that has been read died of: the failure of a case, without which the next child
  /// checks the class again, or the end of the class.
  void add(const PluginDeath &death);
  /// Cases of the next class that children died of.
  const std::vector<conformance::Failure> &deaths() const { return ended; }
  bool begun() const { return !names.empty(); }
  bool complete() const { return begun() && known.classes.size() >= names.size(); }
  const conformance::Report &report() const { return known; }

private:
  void append(const nlohmann::ordered_json &line);
  void take(const nlohmann::ordered_json &line);
  void close(const std::string &name, const conformance::Failure &last, bool incomplete);

  int file;
  size_t bytesRead = 0;
  conformance::Report known;
  std::vector<std::string> names;
  std::vector<conformance::Failure> ended;
};

} // namespace llmc
