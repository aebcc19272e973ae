// Host services for targets that ask for none.
#pragma once

#include "targets/Interface/Target.h"

namespace llmc::test {

class NoServices final : public target::HostServices {
public:
  std::optional<target::Blob> lowerLlvm(const std::vector<target::KernelRequest> &,
                                        const target::IsaTable &,
                                        std::string &error) const override {
    error = "this test has no lowering";
    return std::nullopt;
  }
};

} // namespace llmc::test
