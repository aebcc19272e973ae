// The lowering service as targets see it.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Llvm/Lower.h"

namespace llmc::target {

class LlvmHost final : public HostServices {
public:
  std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels, const IsaTable &isa,
                                std::string &error) const override {
    return target::lowerLlvm(kernels, isa, error);
  }
};

} // namespace llmc::target
