#include "tools/make-model/WeightFile.h"

#include "runtime/base/numerics.h"
#include "tools/llmc/Errors.h"

#include <cstring>

namespace llmc::make {

namespace {

constexpr size_t bufferBytes = 1 << 20;
constexpr uint64_t alignment = 4096;

} // namespace

WeightFile::WeightFile(const std::string &path, Element element) : element(element) {
  std::string error;
  if (!file.open(path, error))
    throw InputError(error);
  buffer.reserve(bufferBytes + alignment);
}

void WeightFile::flush() {
  std::string error;
  if (!file.write(buffer, error))
    throw InputError(error);
  written += buffer.size();
  buffer.clear();
}

uint64_t WeightFile::align() {
  buffer.resize(buffer.size() + size_t(-position() % alignment));
  return position();
}

void WeightFile::put(float value) {
  const uint16_t half = llmc_f32_to_f16_ieee(value);
  const bool narrow = element == Element::Float16;
  const char *bytes =
      narrow ? reinterpret_cast<const char *>(&half) : reinterpret_cast<const char *>(&value);
  buffer.insert(buffer.end(), bytes, bytes + (narrow ? sizeof(half) : sizeof(value)));
  if (buffer.size() >= bufferBytes)
    flush();
}

void WeightFile::commit() {
  flush();
  std::string error;
  if (!file.commit(error))
    throw InputError(error);
}

} // namespace llmc::make
