// llmc sign: a signature over all bytes of a plan, behind its last segment.
#include "runtime/drivers/host/plan_file.h"
#include "runtime/drivers/host/signature.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace llmc {
namespace {

struct SignOptions {
  std::string path, key;
};

constexpr uint64_t signatureAlign = 16;

/// The header of `plan` once it has a signature, its root included.
rt::FileHeader signedHeader(const rt::Plan &plan) {
  rt::FileHeader header = plan.header();
  uint64_t end = header.dataOffset;
  for (const rt::Segment &segment : plan.segments())
    end = std::max(end, segment.offset + segment.size);
  header.signatureOffset = (end + signatureAlign - 1) / signatureAlign * signatureAlign;
  header.signatureSize = uint32_t(rt::host::Signature().size());
  header.fileSize = header.signatureOffset + header.signatureSize;
  return header;
}

class PlanPatch {
public:
  explicit PlanPatch(const std::string &path) : path(path), file(::open(path.c_str(), O_WRONLY)) {
    if (file < 0)
      fail();
  }
  ~PlanPatch() { ::close(file); }
  PlanPatch(const PlanPatch &) = delete;

  /// Bytes that are on the medium when this returns.
  void write(const void *bytes, size_t size, uint64_t offset) {
    const ssize_t written = ::pwrite(file, bytes, size, off_t(offset));
    if (written >= 0 && size_t(written) != size)
      errno = ENOSPC;
    if (written < 0 || size_t(written) != size || ::fsync(file) != 0)
      fail();
  }

private:
  [[noreturn]] void fail() const {
    throw InputError(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  }
  std::string path;
  int file;
};

void signPlan(const SignOptions &options) {
  std::string error;
  const auto key = rt::host::SigningKey::load(options.key, error);
  if (!key)
    throw InputError(error);
  // What is signed is right: all of it is compared with its digests first.
  const auto file = rt::host::PlanFile::open(options.path, error);
  if (!file || !file->checkWeights(error))
    throw InputError(error);
  const rt::Plan &plan = file->plan();
  rt::FileHeader header = signedHeader(plan);
  uint8_t root[32];
  rt::host::Signature signature;
  if (!plan.rootDigestOf(header, rt::host::platform(), root).ok() || !key->sign(root, signature))
    throw std::runtime_error("libcrypto cannot sign");
  std::copy(root, root + sizeof(header.root), header.root);
  // First behind the plan, where nothing is read yet: until the header names it, the file is as it
  // was.
  PlanPatch patch(options.path);
  patch.write(signature.data(), signature.size(), header.signatureOffset);
  patch.write(&header, sizeof(header), 0);
  print(fmt::format("{}: signed\n", options.path));
}

} // namespace

void addSignCommand(CLI::App &app) {
  auto options = std::make_shared<SignOptions>();
  CLI::App *command = app.add_subcommand("sign", "Sign a plan in place, with Ed25519");
  addFile(*command, "PLAN", options->path, "Plan file")->required();
  addFile(*command, "--key", options->key, "The private key, in PEM")->required();
  command->callback([options] { signPlan(*options); });
}

} // namespace llmc
