// The structure of a weight format: what an element is, how far a scale reaches, how it is stored.
// docs/numerics.md says what the numbers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmc::passes {

enum class WeightElement : uint8_t {
  I8,
  I4,
  I3, ///< Two planes: the low two bits, the high bit.
  I2,
  Ternary, ///< -1, 0, 1; five to a byte.
  Table16, ///< A nibble indexes sixteen int8 values of the tensor.
  E2M1,
  E4M3,
  E5M2,
};

enum class WeightScale : uint8_t {
  F32,
  F16,
  E8M0,                  ///< A power of two in one byte.
  IntMultiplierTimesRow, ///< An integer 1 ... 16 per block, stored as a nibble m-1, times an fp32
                         ///< of the row.
};

struct WeightFormat {
  WeightElement element = WeightElement::I8;
  uint32_t block =
      0; ///< Weights of a row that share a scale; 0: the whole row. The last may be short.
  WeightScale scale = WeightScale::F32;

  bool operator==(const WeightFormat &) const = default;

  /// Scales (or multipliers) of a row.
  uint32_t groups(uint32_t columns) const {
    return block == 0 || columns == 0 ? 1 : (columns - 1) / block + 1;
  }
  /// Whether the weight is one fp32 per row times an int8: the layer is one integer dot product.
  bool decodesToInt8() const;
};

/// Why a format is not a meaningful combination; nothing where it is one.
std::optional<std::string> checkWeightFormat(const WeightFormat &format);

/// `ELEMENT` (one fp32 per row), `ELEMENT-gN` (fp16 per N), `-fN` (fp32 per N), `-eN` (e8m0 per N)
/// or
/// `-mN` (integer multiplier per N). ELEMENT: w8 w4 w3 w2 ternary table16 e2m1 e4m3 e5m2.
std::optional<WeightFormat> parseWeightFormat(std::string_view name);
std::string printWeightFormat(const WeightFormat &format);

/// Bytes of a [rows, columns] tensor: elements, scales, multipliers, row scales, the table.
/// Elements and multipliers of a row start at a byte.
uint64_t weightBytes(const WeightFormat &format, uint32_t rows, uint32_t columns);

/// Bits per weight of a long row, scales of its blocks included, what the row has once left out.
double weightBits(const WeightFormat &format);

} // namespace llmc::passes
