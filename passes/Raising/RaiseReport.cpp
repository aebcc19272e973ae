#include "passes/Raising/RaiseReport.h"

#include "passes/Raising/Node.h"

#include <nlohmann/json.hpp>

using namespace mlir;

namespace llmc::passes {

void RaiseReport::addMatch(StringRef pattern, StringRef node) {
  for (Match &known : matched)
    if (known.pattern == pattern) {
      known.nodes.push_back(node.str());
      return;
    }
  matched.push_back({pattern.str(), {node.str()}});
}

void RaiseReport::addSnap(Snap snap) {
  for (Snap &known : snaps)
    if (known.what == snap.what) {
      known.count += snap.count;
      known.largestDifference = std::max(known.largestDifference, snap.largestDifference);
      return;
    }
  snaps.push_back(std::move(snap));
}

void RaiseReport::addNote(StringRef text, StringRef node) {
  for (Note &known : notes)
    if (known.text == text) {
      ++known.count;
      return;
    }
  notes.push_back({text.str(), node.str(), 1});
}

int64_t RaiseReport::matchCount(StringRef pattern) const {
  for (const Match &match : matched)
    if (match.pattern == pattern)
      return int64_t(match.nodes.size());
  return 0;
}

std::string RaiseReport::toJson() const {
  using nlohmann::ordered_json;
  ordered_json json;
  for (const char *list : {"matched", "nearly_matched", "unmatched", "snaps", "notes"})
    json[list] = ordered_json::array();
  for (const Match &match : matched)
    json["matched"].push_back(
        {{"pattern", match.pattern}, {"count", match.nodes.size()}, {"nodes", match.nodes}});
  for (const NearMatch &near : nearlyMatched)
    json["nearly_matched"].push_back(
        {{"pattern", near.pattern}, {"node", near.node}, {"predicate", near.predicate}});
  for (const Unmatched &node : unmatched)
    json["unmatched"].push_back({{"domain", node.domain},
                                 {"type", node.type},
                                 {"version", node.version},
                                 {"node", node.node}});
  for (const Snap &snap : snaps)
    json["snaps"].push_back({{"what", snap.what},
                             {"count", snap.count},
                             {"largest_difference", snap.largestDifference},
                             {"tolerance", snap.tolerance},
                             {"unit", snap.unit},
                             {"node", snap.node}});
  for (const Note &note : notes)
    json["notes"].push_back({{"text", note.text}, {"count", note.count}, {"node", note.node}});
  // Node names come from the file and may be no UTF-8.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

void conclude(RaiseReport &report, StringRef pattern, lm::OpaqueOp node, bool matched,
              const Attempt &attempt) {
  if (matched) {
    report.addMatch(pattern, node.getNodeName());
    return;
  }
  report.nearlyMatched.push_back({pattern.str(), node.getNodeName().str(), attempt.failure()});
  node.emitRemark() << describe(node) << " is nearly " << pattern << ": " << attempt.failure();
}

} // namespace llmc::passes
