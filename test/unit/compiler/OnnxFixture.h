// A folder for models and other files, and the models.
#pragma once

#include "catch2/catch.hpp"
#include "test/unit/compiler/OnnxModels.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace llmc::test {

/// A folder that is removed with everything in it.
class ScratchFolder {
public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "llmc-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~ScratchFolder() { std::filesystem::remove_all(folder); }

  std::string path(const std::string &name) const { return (folder / name).string(); }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

private:
  std::filesystem::path folder;
};

inline std::string fileBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace llmc::test
