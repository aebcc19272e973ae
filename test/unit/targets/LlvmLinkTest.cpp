// What a blob may be, and what the link refuses.
#include "test/unit/targets/LlvmTestKit.h"

#include "targets/X86/X86Isa.h"

#include "targets/Llvm/Codegen.h"
#include "targets/Llvm/Link.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"

#include "catch2/catch.hpp"

#include <thread>

using namespace llmc::target;
using llmc::test::BlobImage;

namespace {

std::optional<Blob> link(const std::vector<std::string> &texts, const IsaTable &isa,
                         std::string &error) {
  llvm::LLVMContext context;
  const auto machine = targetMachine(isa, error);
  if (!machine)
    return std::nullopt;
  std::vector<std::unique_ptr<llvm::Module>> modules;
  for (const std::string &text : texts) {
    llvm::SMDiagnostic diagnostic;
    auto module = llvm::parseAssemblyString(text, diagnostic, context);
    REQUIRE(module);
    module->setTargetTriple(machine->getTargetTriple());
    module->setDataLayout(machine->createDataLayout());
    modules.push_back(std::move(module));
  }
  return linkBlob(modules, isa, *machine, error);
}

std::string refusal(const std::string &text) {
  std::string error;
  CHECK_FALSE(link({text}, x86Avx2(), error));
  return error;
}

/// A switch that becomes a jump table or a look-up table, floating-point and vector constants, a
/// call within the blob.
const std::string busy = R"(
@table = internal constant [4 x i32] [i32 10, i32 20, i32 30, i32 40]
define internal i32 @helper(i32 %x) noinline {
  %y = mul i32 %x, 3
  ret i32 %y
}
define i32 @pick(i32 %i) {
  %j = and i32 %i, 3
  %p = getelementptr [4 x i32], ptr @table, i32 0, i32 %j
  %v = load i32, ptr %p
  %w = call i32 @helper(i32 %v)
  ret i32 %w
}
define void @scale(ptr %x) {
  %v = load <8 x float>, ptr %x, align 4
  %m = fmul <8 x float> %v, <float 1.0, float 2.0, float 3.0, float 4.0, float 5.0, float 6.0, float 7.0, float 8.0>
  %a = fadd <8 x float> %m, splat (float 0.125)
  store <8 x float> %a, ptr %x, align 4
  ret void
}
define i32 @jump(i32 %i) {
entry:
  switch i32 %i, label %other [ i32 0, label %a  i32 1, label %b  i32 2, label %c  i32 3, label %d ]
a:
  %ra = call i32 @helper(i32 7)
  ret i32 %ra
b:
  %rb = mul i32 %i, 55
  ret i32 %rb
c:
  ret i32 9
d:
  %rd = call i32 @helper(i32 %i)
  ret i32 %rd
other:
  ret i32 -1
}
)";

} // namespace

TEST_CASE("A blob runs at any aligned address") {
  std::string error;
  const auto blob = link({busy}, x86Avx2(), error);
  INFO(error);
  REQUIRE(blob);
  CHECK(blob->alignment == 128);
  REQUIRE(blob->entries.size() == 3);
  CHECK(blob->entries[0].name == "pick");
  if (!llmc::test::canRun(x86Avx2()))
    return;
  for (uint32_t shift : {0u, 1u, 5u, 31u, 4097u}) {
    const BlobImage image(*blob, shift);
    for (int i = 0; i < 4; ++i)
      CHECK(image.entry<int(int)>("pick")(i) == 30 * (i + 1));
    CHECK(image.entry<int(int)>("jump")(0) == 21);
    CHECK(image.entry<int(int)>("jump")(1) == 55);
    CHECK(image.entry<int(int)>("jump")(2) == 9);
    CHECK(image.entry<int(int)>("jump")(3) == 9);
    CHECK(image.entry<int(int)>("jump")(4) == -1);
    float values[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    image.entry<void(float *)>("scale")(values);
    for (int i = 0; i < 8; ++i)
      CHECK(values[i] == float(i + 1) + 0.125f);
  }
}

TEST_CASE("The same modules give the same bytes, also from several threads at once") {
  std::string error;
  const auto first = link({busy}, x86Avx512(), error);
  REQUIRE(first);
  std::vector<std::thread> threads;
  std::vector<std::vector<uint8_t>> results(3);
  for (auto &result : results)
    threads.emplace_back([&result] {
      std::string reason;
      for (int i = 0; i < 5; ++i)
        if (const auto blob = link({busy}, x86Avx512(), reason))
          result = blob->bytes;
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &result : results)
    CHECK(result == first->bytes);
}

TEST_CASE("Modules of one blob call each other") {
  std::string error;
  const auto blob = link({"define i32 @twice(i32 %x) { %y = shl i32 %x, 1 ret i32 %y }",
                          "declare i32 @twice(i32)\n"
                          "define i32 @four(i32 %x) { %y = call i32 @twice(i32 %x) "
                          "%z = call i32 @twice(i32 %y) ret i32 %z }"},
                         x86Avx2(), error);
  INFO(error);
  REQUIRE(blob);
  const BlobImage image(*blob);
  CHECK(image.entry<int(int)>("four")(5) == 20);
}

TEST_CASE("Loops do not become calls of the C library") {
  std::string error;
  const auto blob = link({R"(
define void @clear(ptr %p, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %q = getelementptr i8, ptr %p, i64 %i
  store i8 0, ptr %q
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
})"},
                         x86Avx2(), error);
  INFO(error);
  REQUIRE(blob);
  uint8_t bytes[100];
  std::fill(std::begin(bytes), std::end(bytes), uint8_t(7));
  const BlobImage image(*blob);
  image.entry<void(uint8_t *, uint64_t)>("clear")(bytes, 99);
  CHECK(std::count(std::begin(bytes), std::end(bytes), uint8_t(0)) == 99);
  CHECK(bytes[99] == 7);
}

TEST_CASE("Writable data is refused") {
  const std::string error = refusal(R"(
@counter = internal global i32 5
define i32 @next() {
  %v = load volatile i32, ptr @counter
  %w = add i32 %v, 1
  store volatile i32 %w, ptr @counter
  ret i32 %w
})");
  CHECK_THAT(error, Catch::Contains("kernel blob for 'avx2'") && Catch::Contains("writable data"));
}

TEST_CASE("A table of addresses is refused") {
  const std::string error = refusal(R"(
define internal i32 @a(i32 %x) noinline { ret i32 1 }
define internal i32 @b(i32 %x) noinline { %y = mul i32 %x, %x ret i32 %y }
@functions = internal constant [2 x ptr] [ptr @a, ptr @b]
define i32 @call(i32 %i) {
  %p = getelementptr [2 x ptr], ptr @functions, i32 0, i32 %i
  %f = load volatile ptr, ptr %p
  %r = call i32 %f(i32 %i)
  ret i32 %r
})");
  CHECK_THAT(error, Catch::Contains("relocation"));
}

TEST_CASE("A call out of the blob is refused by name") {
  CHECK_THAT(refusal("declare float @expf(float)\n"
                     "define float @f(float %x) { %y = call float @expf(float %x) ret float %y }"),
             Catch::Contains("expf") && Catch::Contains("call nothing outside"));
  CHECK_THAT(refusal("declare double @llvm.pow.f64(double, double)\ndefine double @f(double %x) { "
                     "%y = call double @llvm.pow.f64(double %x, double %x) ret double %y }"),
             Catch::Contains("pow"));
}

TEST_CASE("Modules that cannot be linked or compiled are refused") {
  std::string error;
  CHECK_FALSE(
      link({"define i32 @f() { ret i32 1 }", "define i32 @f() { ret i32 2 }"}, x86Avx2(), error));
  CHECK_THAT(error, Catch::Contains("duplicate symbol: f"));
  CHECK_FALSE(link({"define internal i32 @f() { ret i32 1 }"}, x86Avx2(), error));
  CHECK_THAT(error, Catch::Contains("no function to enter it by"));
  // After failures the linker works on.
  CHECK(link({"define i32 @f() { ret i32 1 }"}, x86Avx2(), error));
}

TEST_CASE("An instruction set LLVM does not know is refused") {
  std::string error;
  IsaTable isa = x86Avx2();
  isa.cpu = "x86-64-v99";
  CHECK_FALSE(targetMachine(isa, error));
  CHECK_THAT(error, Catch::Contains("'avx2'") && Catch::Contains("no CPU 'x86-64-v99'"));
  isa = x86Avx2();
  isa.features = "+avx512vnni,+warp";
  CHECK_FALSE(targetMachine(isa, error));
  CHECK_THAT(error, Catch::Contains("no feature '+warp'"));
  isa.triple = "abacus-unknown-none";
  CHECK_FALSE(targetMachine(isa, error));
  CHECK_THAT(error, Catch::Contains("abacus"));
}
