#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/Errors.h"

#include "catch2/catch.hpp"

#include <fstream>

using namespace llmc;
using Catch::Matchers::Contains;

static std::string refusal(const std::string &path) {
  try {
    loadCompiler(path);
  } catch (const InputError &error) {
    return error.what();
  }
  return "loaded";
}

TEST_CASE("the compiler of this build is loaded, as often as asked") {
  const Compiler &first = loadCompiler(LLMC_COMPILER_LIBRARY);
  CHECK(&first == &loadCompiler(LLMC_COMPILER_LIBRARY));
  std::string error;
  const std::optional<std::string> recipe = first.recipeText("w8a8", error);
  REQUIRE(recipe);
  CHECK_THAT(*recipe, Contains("\"w8a8\""));
  CHECK_FALSE(first.recipeText("w5a5", error));
  CHECK_THAT(error, Contains("w5a5"));
}

TEST_CASE("a missing compiler library is one error") {
  CHECK_THAT(refusal("nowhere/libllmc-compiler.so"),
             Contains("'nowhere/libllmc-compiler.so' is missing") && Contains("compiles none"));
}

TEST_CASE("a compiler library of another build is refused before anything of it runs") {
  CHECK_THAT(refusal(LLMC_OTHER_COMPILER), Contains("has interface 0.0.9-of-yesterday") &&
                                               Contains("needs " LLMC_COMPILER_INTERFACE));
}

TEST_CASE("what is no compiler library is refused") {
  CHECK_THAT(refusal(LLMC_NO_COMPILER), Contains("no function 'llmcCompilerLibrary'"));
  const std::string text = "no-library-test.so";
  std::ofstream(text) << "text\n";
  CHECK_THAT(refusal("./" + text), Contains("cannot be loaded"));
  std::remove(text.c_str());
}

TEST_CASE("the library belongs beside the folder of the program") {
  CHECK_THAT(compilerLibraryPath(), Catch::Matchers::EndsWith("/test/lib/libllmc-compiler.so"));
}
