// SHA-256 from libcrypto, in pieces.
#ifndef LLMC_COMPILER_EMIT_SHA256_H
#define LLMC_COMPILER_EMIT_SHA256_H

#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace llmc {

class Sha256Stream {
public:
  Sha256Stream();
  ~Sha256Stream();
  void update(std::span<const uint8_t> bytes);
  /// The digest of everything since construction or the last call; starts anew.
  std::array<uint8_t, 32> finish();

private:
  struct Context;
  std::unique_ptr<Context> context;
};

std::array<uint8_t, 32> sha256(std::span<const uint8_t> bytes);

} // namespace llmc

#endif
