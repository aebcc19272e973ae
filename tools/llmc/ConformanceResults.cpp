#include "tools/llmc/ConformanceResults.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace llmc {

using namespace conformance;
using Json = nlohmann::ordered_json;

/// Of cases of a class, which then is left: each costs the class once more.
static constexpr size_t mostDeaths = 3;

static std::runtime_error failure(const std::string &action) {
  return std::runtime_error("a file in memory cannot be " + action + ": " + std::strerror(errno));
}

ConformanceResults::ConformanceResults() : file(memfd_create("llmc", MFD_CLOEXEC)) {
  if (file < 0)
    throw failure("made");
}

ConformanceResults::~ConformanceResults() { ::close(file); }

/// In one call: a line is there or it is not.
void ConformanceResults::append(const Json &line) {
  const std::string text = line.dump() + "\n";
  if (::write(file, text.data(), text.size()) != ssize_t(text.size()))
    throw failure("written");
}

void ConformanceResults::begin(const Report &empty, const std::vector<std::string> &classes) {
  if (!begun())
    append({{"machine", empty.machine},
            {"target", empty.target},
            {"seed", empty.seed},
            {"device", empty.withDevice},
            {"classes", classes}});
}

void ConformanceResults::add(const ClassResult &checks) { append(toJson(checks)); }

void ConformanceResults::take(const Json &line) {
  if (begun()) {
    known.classes.push_back(classFromJson(line));
    ended.clear();
    return;
  }
  known.machine = line.at("machine");
  known.target = line.at("target");
  known.seed = line.at("seed");
  known.withDevice = line.at("device");
  names = line.at("classes");
}

void ConformanceResults::read() {
  std::string text;
  char part[65536];
  for (ssize_t n; (n = ::pread(file, part, sizeof part, off_t(bytesRead + text.size()))) > 0;)
    text.append(part, size_t(n));
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    take(Json::parse(text.substr(at, end - at)));
    bytesRead += end + 1 - at;
  }
}

void ConformanceResults::close(const std::string &name, const Failure &last, bool incomplete) {
  ClassResult result;
  result.name = name;
  result.incomplete = incomplete;
  for (const Failure &failure : ended)
    if (failure.what != last.what)
      result.fail(failure);
  result.fail(last);
  known.classes.push_back(std::move(result));
  ended.clear();
}

void ConformanceResults::add(const PluginDeath &death) {
  const size_t next = known.classes.size();
  const Failure failure{death.check, death.function, death.what};
  if (complete())
    return close("exit", {"behind all classes", death.function, death.what}, false);
  if (death.check.empty()) { // It does not even load any more.
    for (size_t i = next; i < names.size(); ++i)
      close(names[i], {"all cases", death.function, death.what}, true);
    return;
  }
  // What was left out and is met all the same is no case but a model, or several cases.
  const bool isMetAgain = std::any_of(ended.begin(), ended.end(), [&](const Failure &earlier) {
    return earlier.what == failure.what;
  });
  if (isMetAgain || death.hung || ended.size() + 1 == mostDeaths)
    return close(names[next], failure, true);
  ended.push_back(failure);
}

} // namespace llmc
