// llmc verify: every byte of a plan file against its digests.
#include "runtime/drivers/host/plan_file.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace llmc {

static void verifyPlan(const std::string &path) {
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
  print(fmt::format("{}: {} bytes match their digests\n", path, file->fileBytes()));
}

void addVerifyCommand(CLI::App &app) {
  auto path = std::make_shared<std::string>();
  CLI::App *command =
      app.add_subcommand("verify", "Compare all bytes of a plan, weights too, with their digests");
  command->add_option("PLAN", *path, "Plan file")->required();
  command->callback([path] { verifyPlan(*path); });
}

} // namespace llmc
