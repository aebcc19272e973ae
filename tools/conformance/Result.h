// What a class of checks found, as plain data: it can be told in text and JSON, and from one
// process to another.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace llmc::conformance {

/// One that does not hold.
struct Failure {
  std::string what;     ///< The case: "tokens 3, n 17, k 33".
  std::string function; ///< That broke its contract: "supports", "pack", "emit", "run", ...
  std::string reason;
};

/// What was thrown, and by which function where a plugin broke its interface.
Failure failureOf(const std::string &what, const std::exception &thrown);

struct ClassResult {
  std::string name; ///< "linear w4-m32", the same in all versions.
  uint64_t passed = 0, failed = 0, notClaimed = 0, notRun = 0;
  std::map<std::string, uint64_t> refusals, notRunReasons; ///< Cases by reason.
  std::vector<Failure> failures;                           ///< The first, smallest ones.
  bool incomplete = false; ///< It ended early: what was found before is not known.
  std::map<std::string, std::string> skippedVariants;  ///< Kinds of code that did not run, and why.
  uint64_t kernelsOnTarget = 0, kernelsOnFallback = 0; ///< Of whole models.

  uint64_t claimed() const { return passed + failed + notRun; }
  void fail(Failure failure);
  void refuse(const std::string &reason);
  void skip(const std::string &reason, uint64_t cases = 1);
};

struct Report {
  std::string machine, target;
  uint64_t seed = 0;
  bool withDevice = true; ///< False: what needs a device was left out on request.
  std::vector<ClassResult> classes;

  /// Counts and skipped variants of all classes.
  ClassResult total() const;
  /// Something is claimed, all of it holds, and all that was to run did so.
  bool conforms() const;
  /// One sentence.
  std::string verdict() const;
};

nlohmann::ordered_json toJson(const ClassResult &checks);
ClassResult classFromJson(const nlohmann::ordered_json &json);
nlohmann::ordered_json toJson(const Report &report);
std::string toText(const Report &report);

} // namespace llmc::conformance
