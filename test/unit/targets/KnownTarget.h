// A target with the machines that it describes, and those of files.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>
#include <string>
#include <vector>

namespace llmc::test {

class KnownTarget {
public:
  explicit KnownTarget(std::unique_ptr<target::Target> known,
                       const std::vector<std::string> &files = {})
      : target(std::move(known)) {
    if (auto read = target::machinesOf(*target, files, problem))
      all = std::move(*read);
  }

  const target::Target *operator->() const { return target.get(); }
  const target::Target &operator*() const { return *target; }
  const std::vector<target::Machine> &machines() const { return all; }
  /// Why there are no machines; empty where there are.
  const std::string &error() const { return problem; }

private:
  std::unique_ptr<target::Target> target;
  std::vector<target::Machine> all;
  std::string problem;
};

} // namespace llmc::test
