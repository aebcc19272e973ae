// What the commands share: the objects filled in main, and reading arguments and files.
#pragma once

#include "targets/Interface/Target.h"
#include "tools/llmc/CallRecord.h"
#include "tools/llmc/Device.h"
#include "tools/llmc/Evaluable.h"
#include "tools/llmc/Targets.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace llmc {

/// A model for the reference evaluator.
struct ModelChoice {
  std::string path, quant; ///< No quant: fp32, or the graph's own grids.
  uint32_t context = 0;    ///< 0: the model's.
};

/// Everything a command may use. Filled in main; nothing is global.
struct Toolbox {
  target::PluginWatch &watch() const;

  std::vector<const llmc_plugin *> builtIn;
  TargetFiles files;
  std::vector<PluginFile> plugins;    ///< Of the files and the folders.
  std::shared_ptr<CallRecord> record; ///< Where plugins are isolated. Outlives the targets.
  /// Filled by openTargets, which comes first in every command that needs them.
  target::TargetRegistry targets;
  DeviceRegistry devices;
  std::string hostMachine; ///< That of this host's CPU; empty where there is none.
  /// Opens an ONNX model for evaluation; set where the compiler is part of the program.
  std::function<std::unique_ptr<Evaluable>(const ModelChoice &)> openModel;
};

/// Each adds one command to `app`. Its callback runs it; errors are exceptions (Errors.h).
void addRunCommand(CLI::App &app, Toolbox &tools);
void addEvalCommand(CLI::App &app, Toolbox &tools);
void addBenchCommand(CLI::App &app, Toolbox &tools);
void addInspectCommand(CLI::App &app, Toolbox &tools);
void addTargetsCommand(CLI::App &app, Toolbox &tools);
void addNewTargetCommand(CLI::App &app, Toolbox &tools);
void addVerifyCommand(CLI::App &app);
void addSignCommand(CLI::App &app);

/// Adds an option or an argument that is the path of a file.
CLI::Option *addFile(CLI::App &command, const std::string &name, std::string &path,
                     const std::string &description);

/// Adds --threads and --isa, for plans of a CPU.
void addDeviceOptions(CLI::App &command, DeviceOptions &options);

/// The arguments with "--name=" as "--name" and an empty one, so that an empty value stays a value.
std::vector<std::string> splitEmptyValues(const std::vector<std::string> &arguments);

/// Checks of option values: nothing where `text` is a whole number of at least 1 and at most 64 or
/// 32 bits, else the reason.
std::string checkCount(const std::string &text);
std::string checkCount32(const std::string &text);

/// "1,2,3": ids separated by commas. `option` is named in errors.
std::vector<int32_t> parseIds(std::string_view text, const std::string &option);

/// A file that holds a JSON array of integers.
std::vector<int32_t> readIds(const std::string &path);

/// All bytes of a file.
std::string readText(const std::string &path);

/// Writes to standard output at once.
void print(std::string_view text);

} // namespace llmc
