// write-fuzz-seeds FOLDER: a folder of seeds for every kind of input.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "compiler/Emit/PlanWriter.h"
#include "test/fuzz/seed_files.h"
#include "test/fuzz/seed_plans.h"

using namespace llmc;

static bool write(const std::filesystem::path &folder, const std::string &name,
                  const std::string &bytes) {
  std::filesystem::create_directories(folder);
  return bool(std::ofstream(folder / name, std::ios::binary) << bytes);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write-fuzz-seeds FOLDER\n");
    return 1;
  }
  const std::filesystem::path folder = argv[1];
  bool good = true;
  for (const auto &[name, plan] : fuzz::seedPlans()) {
    std::vector<uint8_t> bytes;
    const PlanWriterResult result = writePlan(plan, bytes);
    if (!result)
      std::fprintf(stderr, "error: %s: %s\n", name.c_str(), result.error.c_str());
    good = good && result && write(folder / "plan", name, {bytes.begin(), bytes.end()});
  }
  for (const auto &[name, bytes] : fuzz::tokenizerSeeds())
    good = good && write(folder / "tokenizer", name, bytes);
  for (const auto &[name, bytes] : fuzz::onnxSeeds())
    good = good && write(folder / "onnx", name, bytes);
  return good ? 0 : 1;
}
