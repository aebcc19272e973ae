#include "tools/llmc/ConformanceCommand.h"

#include "tools/conformance/Conformance.h"
#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/ConformanceResults.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>

namespace llmc {

namespace {

using namespace conformance;

struct ConformanceArguments {
  std::string machine, filter;
  uint64_t seed = 1;
  bool json = false, withoutDevice = false;
  IsolationOptions isolation{true, secondsToAnswer};
};

class Examination {
public:
  Examination(const ConformanceArguments &arguments, const Toolbox &tools)
      : arguments(arguments), subject(subjectOf(arguments, tools)),
        classes(classesOf(subject, arguments.filter)) {
    if (classes.empty())
      throw InputError("--filter=" + arguments.filter +
                       ": no class of checks has that in its name; without it all are listed");
  }

  Report run() const { return examine(subject, arguments.filter); }

  /// In a child: the classes from the first that is not in `results`.
  void run(CallRecord &record, ConformanceResults &results) {
    subject.note = [&record](const std::string &check) { record.setCheck(check); };
    std::vector<std::string> names;
    for (const CheckClass &checks : classes)
      names.push_back(checks.name);
    results.begin(reportOn(subject), names);
    subject.deaths = results.deaths();
    for (size_t i = results.report().classes.size(); i < classes.size(); ++i) {
      record.setCheck("all cases");
      results.add(runClass(classes[i]));
      subject.deaths.clear();
    }
  }

private:
  static Subject subjectOf(const ConformanceArguments &arguments, const Toolbox &tools) {
    std::string error;
    const auto found = tools.targets.find(arguments.machine, error);
    if (!found)
      throw InputError(error);
    return {*found->first,  *found->second,
            tools.targets,  tools.devices,
            loadCompiler(), !arguments.withoutDevice,
            arguments.seed, fallbackBeside(*found->first, tools)};
  }

  const ConformanceArguments &arguments;
  Subject subject;
  const std::vector<CheckClass> classes;
};

/// In as many children as the plugins end, each behind the class that ended the one before.
Report examineInChildren(const ConformanceArguments &arguments, Toolbox &tools) {
  ConformanceResults results;
  for (;;) {
    const std::optional<ChildEnd> end = openInChild(tools, arguments.isolation);
    if (!end) {
      Examination(arguments, tools).run(*tools.record, results);
      throw CommandEnded{0};
    }
    results.read();
    if (!results.begun() || (end->exitCode != 0 && !end->death))
      endLike(*end);
    if (end->death)
      results.add(*end->death);
    if (results.complete())
      return results.report();
    tools.record->setCheck("");
  }
}

void runConformance(const ConformanceArguments &arguments, Toolbox &tools) {
  const Report report = findTargets(tools, arguments.isolation)
                            ? examineInChildren(arguments, tools)
                            : Examination(arguments, tools).run();
  print(arguments.json ? toJson(report).dump(1) + "\n" : toText(report));
  if (!report.conforms())
    throw InputError(report.verdict());
}

} // namespace

void addConformanceCommand(CLI::App &app, Toolbox &tools) {
  auto arguments = std::make_shared<ConformanceArguments>();
  CLI::App *command =
      app.add_subcommand("conformance", "Check that a target does all that it claims, bit for bit");
  command
      ->add_option("--target", arguments->machine, "Machine to examine; 'llmc targets' lists them")
      ->required()
      ->type_name("MACHINE");
  addTargetOptions(*command, tools);
  addIsolationOptions(*command, arguments->isolation);
  command->add_option("--filter", arguments->filter, "Only classes with this in their name");
  command->add_option("--seed", arguments->seed, "Of random shapes and numbers")
      ->capture_default_str();
  command->add_flag("--no-device", arguments->withoutDevice,
                    "Check only what needs no device: claims, packing, code");
  command->add_flag("--json", arguments->json, "Report as JSON");
  command->callback([arguments, &tools] { runConformance(*arguments, tools); });
}

} // namespace llmc
