// The external data of a model, written from front to back.
#pragma once

#include "compiler/Support/AtomicFile.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::make {

/// By the numbers of ONNX.
enum class Element { Float32 = 1, Int32 = 6, Int64 = 7, Bool = 9, Float16 = 10 };

/// Throws InputError where the file cannot be written.
class WeightFile {
public:
  /// Creates the file; numbers are stored as `element`, which is a float.
  WeightFile(const std::string &path, Element element);

  /// Where the next tensor starts: at a multiple of 4,096 bytes.
  uint64_t align();
  void put(float value);
  uint64_t position() const { return written + buffer.size(); }
  void commit();

private:
  void flush();

  AtomicFile file;
  Element element;
  std::vector<char> buffer;
  uint64_t written = 0;
};

} // namespace llmc::make
