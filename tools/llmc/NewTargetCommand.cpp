// llmc new-target: writes the project of a target plugin, which is tools/new-target/my-npu by
// another name.
#include "embedded/newTargetFiles.h"
#include "targets/Plugin/CheckPlugin.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace llmc {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view templateName = "my-npu";

/// CMake has targets of these names in every project.
constexpr std::array<std::string_view, 14> takenNames = {"ALL_BUILD",
                                                         "INSTALL",
                                                         "ZERO_CHECK",
                                                         "all",
                                                         "clean",
                                                         "edit_cache",
                                                         "help",
                                                         "install",
                                                         "list_install_components",
                                                         "package",
                                                         "package_source",
                                                         "preinstall",
                                                         "rebuild_cache",
                                                         "test"};

void checkName(const std::string &name, const Toolbox &tools) {
  if (!target::isTargetName(name) || !std::isalpha(static_cast<unsigned char>(name.front())))
    throw InputError(
        fmt::format("'{}' cannot be the name of a target: a letter comes first, and up "
                    "to 63 letters, digits, '-', '_' and '.' follow",
                    name));
  if (std::count(takenNames.begin(), takenNames.end(), name))
    throw InputError(fmt::format("'{}' cannot be the name of a target: CMake has one of that name "
                                 "in every project; take another name",
                                 name));
  for (const auto &[target, machine] : tools.targets.machines())
    if (target->name() == name || machine->name == name)
      throw InputError(fmt::format("a {} named '{}' exists already; take another name",
                                   target->name() == name ? "target" : "machine", name));
}

/// A folder that appears complete or not at all.
class AtomicFolder {
public:
  explicit AtomicFolder(const std::string &path) : place(path) {
    std::error_code unreadable;
    if (fs::exists(fs::symlink_status(place, unreadable)))
      throw InputError(fmt::format("'{}' exists already, and nothing in it was changed; give "
                                   "another folder with -o, or remove it",
                                   path));
    std::string name = path + ".XXXXXX";
    if (!mkdtemp(name.data()))
      throw InputError(fmt::format("cannot create folder '{}': {}", path, std::strerror(errno)));
    around = name;
    std::error_code failed;
    if (!fs::create_directory(content(), failed)) {
      fs::remove(around, unreadable);
      throw InputError(fmt::format("cannot create folder '{}': {}", path, failed.message()));
    }
  }
  AtomicFolder(const AtomicFolder &) = delete;
  AtomicFolder &operator=(const AtomicFolder &) = delete;
  ~AtomicFolder() {
    std::error_code ignored;
    fs::remove_all(around, ignored);
  }

  void write(std::string_view name, std::string_view text) const {
    std::ofstream file(content() / name, std::ios::binary);
    file.write(text.data(), std::streamsize(text.size()));
    file.close();
    if (!file)
      throw InputError(
          fmt::format("cannot write '{}': {}", (place / name).string(), std::strerror(errno)));
  }

  void commit() const {
    std::error_code failed;
    fs::rename(content(), place, failed);
    if (failed)
      throw InputError(
          fmt::format("cannot create folder '{}': {}", place.string(), failed.message()));
  }

private:
  /// mkdtemp makes folders for their owner alone; one in it is as any other.
  fs::path content() const { return around / "content"; }

  const fs::path place;
  fs::path around;
};

std::string renamed(std::string_view text, const std::string &name) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(templateName, at), text.size());
    result += text.substr(at, found - at);
    if (found < text.size())
      result += name;
    at = found + templateName.size();
  }
  return result;
}

/// Where this llmc is installed with what projects need; empty where it is not.
std::string installedPrefix() {
  std::error_code failed;
  const fs::path prefix = fs::read_symlink("/proc/self/exe", failed).parent_path().parent_path();
  return fs::exists(prefix / "lib/cmake/llmc/llmc-config.cmake", failed) ? prefix.string() : "";
}

/// As a word of a command that can be pasted into a shell.
std::string shellWord(const std::string &text) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || std::strchr("/._-+", c); };
  if (std::all_of(text.begin(), text.end(), plain))
    return text;
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void writeProject(const std::string &name, std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  const AtomicFolder folder(path);
  std::string files;
  for (const auto &[file, text] : embedded::newTargetFiles()) {
    folder.write(file, renamed(text, name));
    files += fmt::format(" {}", file);
  }
  folder.commit();
  const std::string prefix = installedPrefix(), source = shellWord(path),
                    build = shellWord(path + "/build"), plugin = path + "/build/" + name + ".so";
  print(fmt::format("wrote {}:{}\n"
                    "  cmake -S {} -B {} -DCMAKE_PREFIX_PATH={} && cmake --build {}\n"
                    "  llmc conformance --plugin={} --target={}\n",
                    path, files, source, build,
                    prefix.empty() ? "WHERE_LLMC_IS_INSTALLED" : shellWord(prefix), build,
                    shellWord(plugin), name));
}

} // namespace

void addNewTargetCommand(CLI::App &app, Toolbox &tools) {
  auto name = std::make_shared<std::string>(), folder = std::make_shared<std::string>();
  CLI::App *command = app.add_subcommand(
      "new-target", "Write a project for a target of your own: a plugin that builds and conforms");
  command->add_option("NAME", *name, "Of the target, its machine and the plugin")->required();
  command->add_option("-o,--output", *folder, "Folder to create; NAME if not given");
  command->callback([name, folder, &tools] {
    openTargets(tools, {/*on=*/true, secondsToAnswer});
    checkName(*name, tools);
    writeProject(*name, folder->empty() ? *name : *folder);
  });
}

} // namespace llmc
