// Random linear layers: their packed weights, activations, and the result of the reference.
#pragma once

#include "test/unit/targets/LlvmTestKit.h"

#include "targets/Llvm/Layout/X86WeightLayout.h"
#include "targets/Reference/WeightMatrix.h"

#include <cstdint>
#include <vector>

namespace llmc::test {

struct LinearCase {
  target::WeightFormat format;
  uint32_t m, n, k;
  target::X86WeightLayout layout;
  target::WeightMatrix weights;    ///< [n, k]
  std::vector<int8_t> activations; ///< [m, k]
  std::vector<float> activationScales;
  std::vector<uint8_t> packed;
  target::Epilogue epilogue;
  std::vector<float> before; ///< [m, outputs()], what the output holds.

  LinearCase(const target::WeightFormat &format, uint32_t m, uint32_t n, uint32_t k, uint64_t seed,
             target::Epilogue epilogue = target::Epilogue::Store);
  target::WeightRows rows() const { return weights.view(); }
  uint32_t outputs() const { return epilogue == target::Epilogue::SiluMul ? n / 2 : n; }
  std::vector<float> expected() const;
  /// Rows of the weights as a table: [ids, k].
  std::vector<float> embedded(std::vector<int32_t> ids) const;
};

/// Memory that begins at a multiple of 64, with bytes behind that must stay what they are.
class Guarded {
public:
  explicit Guarded(size_t bytes);
  uint8_t *data() { return storage.data() + start; }
  OperandBytes operand() { return {data(), storage.size() - start}; }
  bool intact() const;

private:
  std::vector<uint8_t> storage;
  size_t start, bytes;
};

} // namespace llmc::test
