// The names of the plan format's enumerations.
#pragma once

#include "runtime/plan/records.h"

#include <string>

namespace llmc {

std::string nameOf(rt::RegionKind kind);
std::string nameOf(rt::Lifetime lifetime);
std::string nameOf(rt::SegmentKind kind);
std::string nameOf(rt::StateKind kind);
std::string nameOf(rt::StateRole role);
std::string nameOf(rt::EntryKind kind);
std::string nameOf(rt::TensorRole role);
std::string nameOf(rt::DType type);
std::string nameOf(rt::ParamKind kind);
std::string nameOf(rt::StepOp op);

} // namespace llmc
