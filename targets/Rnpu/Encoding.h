// The rnpu kernel blob: a program as little-endian 32-bit command words. docs/format/rnpu.md has
// every field.
//
// The decoded form is target::Program itself. A blob is untrusted input: decode checks every field
// and every machine-independent rule (Validate.h), so what it returns can be executed after only
// the machine-dependent checks.
//
//   blob    := header, argument maxima, entry name, list[4 engines][prologue, body, epilogue],
//   debug command := header word, id, wait*, payload
//
// Four independent in-order lists, one per engine. The order between engines that a Program's
// sections show carries no meaning; it travels in the debug part, together with the names. Without
// debug, decode lists engine after engine.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::rnpu {

constexpr uint16_t isaMajor = 1; ///< Another major version is refused.
constexpr uint16_t isaMinor =
    0; ///< A larger minor version is refused: it may use what this decoder does not know.

/// Bits of the blob's feature word. A program sets exactly those it uses; an unknown bit is
/// refused.
enum Feature : uint32_t {
  FeatureGather = 1u << 0,      ///< DMA rows picked by ids.
  FeatureGroupScales = 1u << 1, ///< Weights with F16Group or F32Group scales.
  FeatureMultipliers = 1u << 2, ///< Weights with MultiplierF32Row scales.
  FeatureLoop = 1u << 3,        ///< A body.
  FeatureDebug = 1u << 4,       ///< A debug part.
};
constexpr uint32_t knownFeatures = 0x1f;

/// The feature bits that one command needs.
uint32_t featuresOf(const target::Command &command);

/// A blob, decoded.
struct Image {
  target::MachineDigest machine{}; ///< Digest of the machine description it was made for.
  target::Program program;
  bool operator==(const Image &) const = default;
};

/// True where the first bytes say that this is an rnpu blob.
bool isBlob(const uint8_t *data, size_t size);

/// Errors: a program that Validate.h refuses, a number that its field cannot hold; both name part,
/// command and field.
std::optional<std::vector<uint8_t>> encode(const Image &image, std::string &error,
                                           bool debug = true);

/// Errors: anything that encode could not have produced, with byte offset.
std::optional<Image> decode(const uint8_t *data, size_t size, std::string &error);

} // namespace llmc::rnpu
