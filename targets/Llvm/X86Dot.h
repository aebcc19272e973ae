// Dot products of codes (weights above zero by a bias) with int8 activations, 16 outputs at a time.
#pragma once

#include "targets/Llvm/Emitter.h"

namespace llmc::target {

class X86Dot {
public:
  explicit X86Dot(Emitter &emitter) : e(emitter) {}

  /// sums + codes . activations: 16 sums, 64 codes [16][4], four activations in an i32. Codes of
  /// bias 8 are below 16. The result lacks correction(bias) * (sum of the activations).
  llvm::Value *add(llvm::Value *sums, llvm::Value *codes, llvm::Value *activations, uint32_t bias);
  /// Whether addPairs may take half of that many columns: its sums of 16 bits hold 8 times two
  /// products of a code below 16 and an activation, 8 * 2 * 15 * 128 < 2^15.
  bool sumsPairs(uint32_t bias, uint32_t columns) const;
  llvm::Value *noPairs();
  /// pairs + products of neighbouring columns, 32 x i16; codes and activations as of add().
  llvm::Value *addPairs(llvm::Value *pairs, llvm::Value *codes, llvm::Value *activations);
  /// sums + pairs, two by two.
  llvm::Value *joinPairs(llvm::Value *sums, llvm::Value *pairs);
  /// What add() counts too much per activation: the bias, or 0 where it takes the bias off itself.
  uint32_t correction(uint32_t bias) const;
  /// sums + dots * multipliers, both 16 x i32, |dot| < 2^15 where `narrow`.
  llvm::Value *addProducts(llvm::Value *sums, llvm::Value *dots, llvm::Value *multipliers,
                           bool narrow);

private:
  llvm::Value *addHalf(llvm::Value *sums, llvm::Value *codes, llvm::Value *activations,
                       uint32_t bias);
  Emitter &e;
};

} // namespace llmc::target
