// What raising understood, nearly understood and did not, and which values it snapped.
#pragma once

#include "dialects/Lm/Lm.h"

#include <string>
#include <vector>

namespace llmc::passes {

struct RaiseReport {
  /// Nodes that became one canonical operation.
  struct Match {
    std::string pattern;
    std::vector<std::string> nodes; ///< The node at which each match is anchored.
  };
  /// A node that looked like a pattern, and the first condition it did not meet.
  struct NearMatch {
    std::string pattern, node, predicate;
  };
  struct Unmatched {
    std::string domain, type, node;
    int64_t version = 0;
  };
  /// A value of the file that a canonical one replaced.
  struct Snap {
    std::string what, node; ///< The first node.
    double largestDifference = 0, tolerance = 0;
    std::string unit; ///< Of both numbers.
    int64_t count = 1;
  };
  /// Something the file asks for that is reported and not followed.
  struct Note {
    std::string text, node; ///< The first node.
    int64_t count = 1;
  };

  std::vector<Match> matched;
  std::vector<NearMatch> nearlyMatched;
  std::vector<Unmatched> unmatched;
  std::vector<Snap> snaps;
  std::vector<Note> notes;

  void addMatch(llvm::StringRef pattern, llvm::StringRef node);
  void addSnap(Snap snap);
  void addNote(llvm::StringRef text, llvm::StringRef node);
  int64_t matchCount(llvm::StringRef pattern) const;

  /// One JSON object: matched[], nearly_matched[], unmatched[], snaps[], notes[].
  std::string toJson() const;
};

/// One attempt to match a pattern; keeps the first condition that does not hold.
class Attempt {
public:
  bool require(bool condition, const llvm::Twine &predicate) {
    if (!condition && reason.empty())
      reason = predicate.str();
    return condition;
  }
  const std::string &failure() const { return reason; }

private:
  std::string reason;
};

/// Enters the outcome of an attempt at `node`: a match, or a near match with a remark.
void conclude(RaiseReport &report, llvm::StringRef pattern, lm::OpaqueOp node, bool matched,
              const Attempt &attempt);

} // namespace llmc::passes
