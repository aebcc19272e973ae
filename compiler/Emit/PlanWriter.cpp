#include "compiler/Emit/PlanWriter.h"

#include <algorithm>

#include "compiler/Emit/PlanEncoder.h"
#include "compiler/Emit/Sha256.h"
#include "compiler/Support/AtomicFile.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/source.h"
#include "runtime/schema/explain.h"

namespace llmc {
namespace {

/// Where the bytes go: in order, and once back to the start.
class Output {
public:
  virtual ~Output() = default;
  virtual bool append(std::span<const uint8_t> bytes) = 0;
  virtual bool rewriteStart(std::span<const uint8_t> bytes) = 0;
  virtual std::string failure() const = 0;
};

class VectorOutput : public Output {
public:
  explicit VectorOutput(std::vector<uint8_t> &bytes) : bytes(bytes) {}
  bool append(std::span<const uint8_t> part) override {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return true;
  }
  bool rewriteStart(std::span<const uint8_t> part) override {
    std::copy(part.begin(), part.end(), bytes.begin());
    return true;
  }
  std::string failure() const override { return {}; }

private:
  std::vector<uint8_t> &bytes;
};

/// A file that is written in large pieces; flush writes the last one.
class FileOutput : public Output {
public:
  explicit FileOutput(AtomicFile &file) : file(file) { buffer.reserve(writeBytes); }
  bool append(std::span<const uint8_t> part) override {
    while (!part.empty()) {
      const size_t n = std::min(part.size(), writeBytes - buffer.size());
      buffer.insert(buffer.end(), part.begin(), part.begin() + ptrdiff_t(n));
      part = part.subspan(n);
      if (buffer.size() == writeBytes && !flush())
        return false;
    }
    return true;
  }
  bool rewriteStart(std::span<const uint8_t> part) override {
    return flush() &&
           file.rewriteStart({reinterpret_cast<const char *>(part.data()), part.size()}, error);
  }
  bool flush() {
    const bool done = file.write({buffer.data(), buffer.size()}, error);
    buffer.clear();
    return done;
  }
  std::string failure() const override {
    return error + "; check that the folder is writable and has room";
  }

private:
  /// What is written at once, at a multiple of it: systems with large pages then keep the file in
  /// such pages, and mapped weights are read with few address translations.
  static constexpr size_t writeBytes = size_t(1) << 21;

  AtomicFile &file;
  std::vector<char> buffer;
  std::string error;
};

/// Splits a segment's bytes into digest chunks as they pass.
class ChunkDigests {
public:
  ChunkDigests(const rt::Segment &segment, std::vector<uint8_t> &digests)
      : chunk(segment.chunkLog2 ? uint64_t(1) << segment.chunkLog2 : segment.size), left(chunk),
        digests(digests) {}
  void update(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      size_t n = size_t(std::min<uint64_t>(left, bytes.size()));
      stream.update(bytes.first(n));
      bytes = bytes.subspan(n);
      left -= n;
      if (left == 0)
        close();
    }
  }
  void finish() {
    if (left != chunk)
      close();
  }

private:
  void close() {
    Sha256 digest = stream.finish();
    digests.insert(digests.end(), digest.begin(), digest.end());
    left = chunk;
  }
  uint64_t chunk, left;
  std::vector<uint8_t> &digests;
  Sha256Stream stream;
};

bool appendZeros(Output &output, uint64_t n) {
  static constexpr uint8_t zeros[4096] = {};
  for (; n > 0; n -= std::min<uint64_t>(n, sizeof(zeros)))
    if (!output.append({zeros, size_t(std::min<uint64_t>(n, sizeof(zeros)))}))
      return false;
  return true;
}

class Writer {
public:
  Writer(const PlanDescription &description, const PlanWriterOptions &options)
      : description(description), encoder(description, options.digests, result.error) {}

  PlanWriterResult run(Output &output) {
    if (result.error.empty())
      result.error = verify();
    if (result.error.empty())
      result.error = writeAll(output);
    return result;
  }
  PlanWriterResult result;

private:
  /// The plan as firmware will open it, before anything large is written.
  std::string verify() const {
    std::vector<uint8_t> prefix = encoder.prefix({});
    llmc_source source = rt::memorySource(prefix.data(), encoder.fileSize());
    std::vector<uint64_t> resident((encoder.planSize() + 7) / 8);
    rt::Plan plan;
    rt::Status status = rt::Plan::open(
        source, {reinterpret_cast<uint8_t *>(resident.data()), resident.size() * 8}, &plan);
    return status.ok() ? std::string() : "the plan is not valid: " + rt::explain(status);
  }

  std::string writeAll(Output &output) {
    std::vector<uint8_t> prefix = encoder.prefix({}), digests;
    if (!output.append(prefix))
      return output.failure();
    uint64_t at = prefix.size();
    for (size_t i = 0; i < encoder.segments().size(); ++i) {
      const rt::Segment &segment = encoder.segments()[i];
      if (!appendZeros(output, segment.offset - at))
        return output.failure();
      bool isDigests = i == description.segments.size();
      if (isDigests ? !output.append(digests) : !writeSegment(i, output, digests))
        return result.error.empty() ? output.failure() : result.error;
      at = segment.offset + segment.size;
    }
    if (encoder.hasDigests()) {
      prefix = encoder.prefix(sha256(digests));
      if (!output.rewriteStart(prefix))
        return output.failure();
    }
    result.root = encoder.root(prefix);
    result.fileBytes = encoder.fileSize();
    result.planBytes = encoder.planSize();
    return {};
  }

  bool writeSegment(size_t index, Output &output, std::vector<uint8_t> &digests) {
    const rt::Segment &segment = encoder.segments()[index];
    const SegmentDescription &from = description.segments[index];
    ChunkDigests chunks(segment, digests);
    uint64_t written = 0;
    bool tooMany = false;
    auto sink = [&](std::span<const uint8_t> bytes) {
      tooMany = bytes.size() > segment.size - written;
      if (tooMany)
        return false;
      written += bytes.size();
      chunks.update(bytes);
      return output.append(bytes);
    };
    bool ok = from.source->produce(sink, result.error);
    std::string what = "segment " + std::to_string(index) + " (" + from.name + ")";
    if (tooMany || (ok && written != segment.size))
      result.error = what + " delivered other than its " + std::to_string(segment.size) + " bytes";
    else if (!ok && !result.error.empty())
      result.error = what + ": " + result.error;
    chunks.finish();
    return ok && result.error.empty();
  }

  const PlanDescription &description;
  PlanEncoder encoder;
};

} // namespace

PlanWriterResult writePlan(const PlanDescription &description, AtomicFile &file,
                           const PlanWriterOptions &options) {
  FileOutput output(file);
  PlanWriterResult result = Writer(description, options).run(output);
  if (result && !output.flush())
    result.error = output.failure();
  return result;
}

PlanWriterResult writePlan(const PlanDescription &description, std::vector<uint8_t> &bytes,
                           const PlanWriterOptions &options) {
  bytes.clear();
  VectorOutput output(bytes);
  PlanWriterResult result = Writer(description, options).run(output);
  if (!result)
    bytes.clear();
  return result;
}

} // namespace llmc
