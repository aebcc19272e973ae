#include "tools/llmc/Inspect.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace llmc {

using Json = nlohmann::ordered_json;

namespace {

std::string textOf(const Json &value) {
  if (value.is_string())
    return value.get<std::string>();
  if (!value.is_structured())
    return value.dump();
  std::string text;
  for (const auto &[name, part] : value.items())
    text += (text.empty() ? "" : ", ") + (value.is_object() ? name + " " : "") + textOf(part);
  return text.empty() ? "none" : text;
}

/// Rows of equal length; the columns line up.
class Table {
public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }
  void add(std::vector<std::string> row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], row[c].size());
    rows.push_back(std::move(row));
  }
  std::string text() const {
    std::string all;
    for (const auto &row : rows) {
      std::string line = " ";
      for (size_t c = 0; c < row.size(); ++c)
        line += fmt::format(" {:<{}}", row[c], widths[c]);
      all += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return all;
  }

private:
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> widths;
};

/// A table of the members named, from an array of objects.
std::string tabulate(const Json &list, const std::vector<std::string> &members) {
  Table table(members);
  for (const Json &item : list) {
    std::vector<std::string> row;
    for (const std::string &member : members)
      row.push_back(textOf(item.at(member)));
    table.add(std::move(row));
  }
  return table.text();
}

std::string section(const std::string &name, const Json &list,
                    const std::vector<std::string> &members) {
  if (list.empty())
    return "";
  return fmt::format("\n{} ({})\n", name, list.size()) + tabulate(list, members);
}

std::string formatHead(const Json &plan) {
  std::string text = fmt::format("plan format {}, {} bytes, by {}\n", textOf(plan["format"]),
                                 textOf(plan["file_bytes"]), textOf(plan["producer"]));
  for (const Json &target : plan["targets"])
    text += fmt::format("target {} ({}){}\n", textOf(target["device"]), textOf(target["backend"]),
                        target["variant"] == "" ? "" : ", " + textOf(target["variant"]));
  text += fmt::format("context {} tokens, {} tokenizer\n", textOf(plan["context"]),
                      plan["tokenizer"].get<bool>() ? "with a" : "without a");
  if (!plan["model"].is_null()) {
    text += "\nmodel\n";
    for (const auto &[name, value] : plan["model"].items())
      text += fmt::format("  {:<13} {}\n", name, textOf(value));
  }
  return text;
}

std::string formatSteps(const Json &plan) {
  std::string text = "\nsteps\n";
  for (const Json &entry : plan["entries"]) {
    text += "  " + textOf(entry["name"]);
    if (plan["targets"].size() > 1)
      text += " " + entry["targets"].dump();
    text += ":";
    for (const Json &step : entry["steps"])
      text += " " + textOf(step["op"]) +
              (step.contains("kernel") ? "(" + textOf(step["kernel"]) + ")" : "");
    text += "\n";
  }
  return text;
}

} // namespace

std::string formatPlan(const Json &plan) {
  std::string text = formatHead(plan);
  text += section("regions", plan["regions"], {"name", "kind", "lifetime", "bytes", "alignment"});
  text += section("segments", plan["segments"], {"name", "kind", "region", "bytes", "file_offset"});
  text += section(
      "entries", plan["entries"],
      {"name", "kind", "targets", "rows", "position_max", "estimated_cycles", "peak_bytes"});
  text += formatSteps(plan);
  text += section("kernels", plan["kernels"], {"name", "machine", "bytes", "estimated_cycles"});
  text += section("parameters", plan["parameters"], {"kind", "max", "imm"});
  text += section("states", plan["states"],
                  {"kind", "role", "type", "tokens", "layers", "heads", "head_dim", "bytes"});
  if (!plan["metadata"].empty())
    text += "\nmetadata\n";
  for (const auto &[name, value] : plan["metadata"].items())
    text += fmt::format("  {} = {}\n", name, textOf(value));
  return text;
}

} // namespace llmc
