// A plan from a file, with the memory of its regions: what a host program binds a session to.
#ifndef LLMC_RUNTIME_DRIVERS_HOST_PLAN_FILE_H
#define LLMC_RUNTIME_DRIVERS_HOST_PLAN_FILE_H

#include <memory>
#include <string>
#include <vector>

#include "runtime/drivers/host/mapped_file.h"
#include "runtime/plan/plan.h"

namespace llmc::rt::host {

/// The platform table of a host program: SHA-256 by libcrypto.
const llmc_platform &platform();

/// True where the file at `path` can be read and begins as a plan does.
bool looksLikePlan(const std::string &path);

/// A plan file, mapped, verified and, its weights aside, compared with its digests.
class PlanFile {
public:
  /// Null with one sentence in `error` where the file is missing, foreign, corrupt or damaged.
  static std::unique_ptr<const PlanFile> open(const std::string &path, std::string &error);

  /// Compares the weights with their digests, which takes as long as reading them. False with one
  /// sentence in `error` where they differ.
  bool checkWeights(std::string &error) const;
  /// The segment and bytes that a record of the digest segment is of; empty where there is none.
  std::string describeDigest(uint32_t digest) const;

  const Plan &plan() const { return opened; }
  Span<const uint8_t> fileBytes() const { return file->bytes(); }
  Span<const uint8_t> segment(uint32_t index) const;

private:
  PlanFile() = default;
  bool load(std::string &problem);
  bool checkSegments(bool weights, std::string &problem) const;
  bool checkSegment(uint32_t index, std::string &problem) const;
  std::string describe(uint32_t segment, Range part) const;

  std::string place;
  std::unique_ptr<const MappedFile> file;
  llmc_source source = {};
  Plan opened;
};

/// Memory for every region of a plan. Constant regions are used in place where the file holds them
/// as one range, else loaded; the others are zero pages, which become memory when they are touched.
class RegionMemory {
public:
  RegionMemory() = default;
  RegionMemory(const RegionMemory &) = delete;
  RegionMemory &operator=(const RegionMemory &) = delete;
  ~RegionMemory();

  /// Once. The plan's file stays open as long as this object.
  bool prepare(const Plan &plan, std::string &error);
  Span<const llmc_memory> views() const { return {memories.data(), memories.size()}; }

private:
  bool place(const Plan &plan, uint32_t region, std::string &error);

  std::vector<llmc_memory> memories; // by region
  std::vector<llmc_memory> owned;    // as they were mapped
};

} // namespace llmc::rt::host

#endif
