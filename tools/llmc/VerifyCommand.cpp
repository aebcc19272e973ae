// llmc verify: every byte of a plan file against its digests, and its signature against a key; or
// what a status of a device's runtime means.
#include "runtime/drivers/host/plan_file.h"
#include "runtime/drivers/host/signature.h"
#include "runtime/schema/explain.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace llmc {

struct VerifyOptions {
  std::string path, publicKey;
  std::vector<uint16_t> status; ///< Code, place and index.
};

static bool isSigned(const rt::Plan &plan) { return plan.header().signatureSize != 0; }

static void verifySignature(const rt::Plan &plan, const VerifyOptions &options) {
  std::string error;
  const auto key = rt::host::PublicKey::load(options.publicKey, error);
  if (!key)
    throw InputError(error);
  if (!isSigned(plan))
    throw InputError(
        fmt::format("'{0}' has no signature; 'llmc sign {0} --key=FILE' makes one", options.path));
  const rt::Status status = plan.checkSignature(key->platform());
  if (status ==
      rt::Status(LLMC_BAD_DIGEST, LLMC_AT_HEADER, offsetof(rt::FileHeader, signatureOffset)))
    throw InputError(fmt::format("'{}' was not signed with the key that belongs to '{}'",
                                 options.path, options.publicKey));
  if (!status.ok())
    throw InputError(fmt::format("'{}': {}", options.path, rt::explain(status)));
}

static void verifyPlan(const VerifyOptions &options) {
  const std::string &path = options.path;
  std::string error;
  const auto file = rt::host::PlanFile::open(path, error);
  if (!file || !file->checkWeights(error))
    throw InputError(error);
  const rt::Span<const rt::Segment> segments = file->plan().segments();
  const uint16_t digests = file->plan().digestSegment();
  for (uint32_t i = 0; i < segments.size; ++i)
    if (segments[i].digest == rt::none32 && i != digests)
      throw InputError(fmt::format("'{}': segment {} has no digest, so nothing says whether its "
                                   "bytes are what they were; compile the model again",
                                   path, i));
  if (!options.publicKey.empty())
    verifySignature(file->plan(), options);
  const char *signature = "";
  if (isSigned(file->plan()))
    signature = options.publicKey.empty()
                    ? "; the signature was not checked, give --public-key=FILE"
                    : ", signed with the key";
  print(
      fmt::format("{}: {} bytes match their digests{}\n", path, file->fileBytes().size, signature));
}

/// What a digest covers, only its plan knows.
static std::string explainDigest(const VerifyOptions &options) {
  std::string error;
  const auto file = rt::host::PlanFile::open(options.path, error);
  if (!file)
    throw InputError(error);
  const std::string bytes = file->describeDigest(options.status[2]);
  if (bytes.empty())
    throw InputError(fmt::format("'{}' has no digest {}", options.path, options.status[2]));
  return bytes +
         ", when they were read, did not match their digest; flash or reading it failed, or "
         "the plan is not the one of the device";
}

static void printStatus(const VerifyOptions &options) {
  const std::vector<uint16_t> &parts = options.status;
  if (parts[0] > UINT8_MAX || parts[1] > UINT8_MAX)
    throw InputError(fmt::format("--status={},{},{}: code and place are at most 255", parts[0],
                                 parts[1], parts[2]));
  const rt::Status status{rt::Code(parts[0]), rt::Where(parts[1]), parts[2]};
  const bool isChunk = status.code == LLMC_BAD_DIGEST && status.where == LLMC_AT_DIGEST;
  print((isChunk && !options.path.empty() ? explainDigest(options) : rt::explain(status)) + "\n");
}

void addVerifyCommand(CLI::App &app) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App *command =
      app.add_subcommand("verify", "Compare all bytes of a plan, weights too, with their digests");
  addFile(*command, "PLAN", options->path, "Plan file");
  addFile(*command, "--public-key", options->publicKey,
          "Check the signature with this public key, in PEM");
  command
      ->add_option("--status", options->status,
                   "Instead say what a status of a device's runtime means, with PLAN which bytes a "
                   "digest covers: CODE,PLACE,INDEX")
      ->delimiter(',')
      ->expected(3)
      ->excludes("--public-key");
  command->callback([options] {
    if (!options->status.empty())
      printStatus(*options);
    else if (!options->path.empty())
      verifyPlan(*options);
    else
      throw InputError("PLAN or --status is required; 'llmc verify --help' lists the options");
  });
}

} // namespace llmc
