// Names for messages.
#include "targets/Rnpu/Simulator/Fault.h"

namespace llmc::rnpu {

const char *nameOf(FaultKind kind) {
  switch (kind) {
  case FaultKind::BadProgram:
    return "bad program";
  case FaultKind::BadBinding:
    return "bad binding";
  case FaultKind::Argument:
    return "argument too large";
  case FaultKind::OutOfBounds:
    return "out of bounds";
  case FaultKind::ReadOnly:
    return "write to read-only memory";
  case FaultKind::Misaligned:
    return "misaligned";
  case FaultKind::Shape:
    return "illegal shape";
  case FaultKind::Uninitialized:
    return "uninitialized read";
  case FaultKind::Race:
    return "race";
  case FaultKind::Gather:
    return "gather id out of range";
  case FaultKind::Overflow:
    return "int32 overflow";
  case FaultKind::WeightTile:
    return "malformed weight tile";
  case FaultKind::Deadlock:
    return "deadlock";
  }
  return "unknown fault";
}

} // namespace llmc::rnpu
