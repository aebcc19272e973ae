// Weights of a softmax as IR against runtime/base/numerics.h, where rounding is hardest.
#include "test/unit/targets/LlvmTestKit.h"

#include "runtime/base/numerics.h"
#include "targets/Llvm/Codegen.h"
#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Link.h"
#include "targets/Llvm/NumericsIr.h"
#include "targets/X86/X86Isa.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <limits>

using namespace llmc::target;
using namespace llmc::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

const std::vector<KernelOperand> operands{{ElementType::F32}, {ElementType::F32}};

/// Operand 1 becomes the weights of operand 0; as many as the argument says, a multiple of 16.
void emitWeights(llvm::Module &module, const IsaTable &isa, const std::string &name, bool fused) {
  Emitter e(module, isa, name, operands);
  NumericsIr numerics(e.ir);
  e.loop(e.index(0), e.argument(0), kLanes, [&](llvm::Value *index) {
    llvm::Value *offset = e.ir.CreateShl(index, 2);
    llvm::Value *delta = e.ir.CreateAlignedLoad(e.vector(e.ir.getFloatTy()),
                                                e.at(e.operand(0), offset), llvm::Align(4));
    e.ir.CreateAlignedStore(numerics.softmaxWeight(delta, fused), e.at(e.operand(1), offset),
                            llvm::Align(4));
  });
  e.finish();
}

Blob weightKernels(const IsaTable &isa) {
  std::string error;
  const auto machine = targetMachine(isa, error);
  INFO(error);
  REQUIRE(machine);
  llvm::LLVMContext context;
  std::vector<std::unique_ptr<llvm::Module>> modules;
  modules.push_back(newModule(context, *machine));
  emitWeights(*modules.front(), isa, "fused", true);
  emitWeights(*modules.front(), isa, "apart", false);
  const auto blob = linkBlob(modules, isa, *machine, error);
  INFO(error);
  REQUIRE(blob);
  return *blob;
}

struct Ties {
  std::vector<float> deltas; ///< With their neighbours.
  size_t even = 0, odd = 0;  ///< By the last bit that stays.
};

/// Every 29th float from -20 to -2^-14 whose weight lies halfway between two values of f16.
Ties ties() {
  Ties found;
  for (uint32_t bits = llmc_bits(-0x1p-14f); bits <= llmc_bits(-20.0f); bits += 29) {
    const uint32_t weight = llmc_bits(llmc_exp(llmc_float(bits)));
    if ((weight & 0x1fffu) != 0x1000u)
      continue;
    ++((weight & 0x2000u) != 0 ? found.odd : found.even);
    for (uint32_t near : {bits - 1, bits, bits + 1})
      found.deltas.push_back(llmc_float(near));
  }
  return found;
}

void check(std::vector<float> deltas) {
  while (deltas.size() % kLanes != 0)
    deltas.push_back(-1.0f);
  for (const IsaTable *isa : {&x86Avx512(), &x86Avx2(), &aarch64Dot()}) {
    const auto image = runnable(weightKernels(*isa), *isa);
    if (!image)
      continue;
    for (const char *kernel : {"fused", "apart"}) {
      std::vector<float> weights(deltas.size(), 7.0f);
      image->run(kernel, {operandOf(deltas), operandOf(weights)}, {uint32_t(deltas.size())}, 1);
      for (size_t i = 0; i < deltas.size(); ++i) {
        const float expected = 2.0f * llmc_softmax_weight(deltas[i]);
        const bool same = expected != expected ? weights[i] != weights[i]
                                               : llmc_bits(weights[i]) == llmc_bits(expected);
        INFO(isa->name << " " << kernel << " delta " << deltas[i] << ": " << weights[i] << " for "
                       << expected);
        if (!same)
          FAIL_CHECK();
      }
    }
  }
}

} // namespace

TEST_CASE("Softmax weights: ties of 13 bits and their neighbours") {
  const Ties found = ties();
  CHECK(found.even > 100);
  CHECK(found.odd > 100);
  check(found.deltas);
}

TEST_CASE("Softmax weights: the cut, zeros, what is tiny, and what is not finite") {
  const float cut = -20.0f;
  check({cut, std::nextafter(cut, 0.0f), std::nextafter(cut, -infinity), 0.0f, -0.0f, -0x1p-149f,
         -0x1p-126f, -0x1p-24f, -0x1p-13f, -21.0f, -89.0f, -1e4f, -3e38f, -infinity});
  // As subtractions and f16 leave them.
  check({std::numeric_limits<float>::quiet_NaN(), llmc_float(0xffc00000u),
         llmc_f16_bits_to_f32(0x7e00), llmc_f16_bits_to_f32(0x7e01), llmc_f16_bits_to_f32(0xffff)});
}

TEST_CASE("Softmax weights: powers of two") {
  std::vector<float> deltas;
  for (int n = 0; n < 29; ++n) {
    const float power = float(-n * 0.69314718055994531);
    deltas.insert(deltas.end(), {std::nextafter(power, -infinity), power});
    if (n > 0)
      deltas.push_back(std::nextafter(power, 0.0f));
  }
  check(deltas);
}
