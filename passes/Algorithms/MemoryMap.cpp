#include "passes/Algorithms/MemoryMap.h"

#include <algorithm>
#include <string_view>

namespace llmc::passes {
namespace {

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

class Chart {
public:
  Chart(const SramProblem &problem, const std::vector<uint64_t> &offsets,
        const MemoryMapStyle &style)
      : problem(problem), offsets(offsets), style(style) {
    for (const SramBuffer &buffer : problem.buffers) {
      firstStep = std::min(firstStep, buffer.first.value);
      lastStep = std::max(lastStep, buffer.last.value);
    }
    for (size_t i = 0; i < offsets.size(); ++i)
      top = std::max(top, offsets[i] + problem.buffers[i].size);
    stepsPerColumn =
        std::max<uint64_t>(1, ceilDiv(lastStep - firstStep, std::max(1u, style.columns)));
    bytesPerRow = roundRow(std::max<uint64_t>(1, ceilDiv(top, std::max(1u, style.rows))));
    columns = size_t(ceilDiv(lastStep - firstStep, stepsPerColumn));
    rows = size_t(ceilDiv(top, bytesPerRow));
    rank();
    paint();
    markCollisions();
  }

  std::string text() const {
    std::string text;
    uint64_t marked = problem.capacity < top ? problem.capacity / bytesPerRow : UINT64_MAX;
    for (size_t row = rows; row-- > 0;) {
      text += label(row * bytesPerRow) + " |" + cells.substr(row * columns, columns) + "|\n";
      if (row == marked)
        text += label(problem.capacity) + " =" + std::string(columns, '=') + "= capacity\n";
    }
    text += std::string(kLabel, ' ') + " +" + std::string(columns, '-') + "+\n";
    return text + axis() + legend();
  }

private:
  static constexpr size_t kLabel = 12;

  /// Whole multiples of 16 read better; small memories keep their exact rows.
  static uint64_t roundRow(uint64_t bytes) { return bytes < 16 ? bytes : ceilDiv(bytes, 16) * 16; }

  static std::string label(uint64_t value) {
    std::string digits = std::to_string(value);
    return std::string(kLabel - std::min(kLabel, digits.size()), ' ') + digits;
  }

  void rank() {
    for (uint32_t i = 0; i < problem.buffers.size(); ++i)
      bySize.push_back(BufferIdx{i});
    std::sort(bySize.begin(), bySize.end(),
              [&](BufferIdx a, BufferIdx b) { return largerFirst(problem, a, b); });
    letters.assign(problem.buffers.size(), '*');
    size_t named = std::min({bySize.size(), kLetters.size(), size_t(style.legend)});
    for (size_t i = 0; i < named; ++i)
      letters[bySize[i].value] = kLetters[i];
  }

  /// Calls visit(cell, bytes x steps) for every cell that the rectangle touches.
  template <class Visit>
  void forCells(uint64_t begin, uint64_t end, uint32_t first, uint32_t last, Visit visit) const {
    for (size_t row = begin / bytesPerRow; row * bytesPerRow < end; ++row)
      for (size_t column = (first - firstStep) / stepsPerColumn;
           firstStep + column * stepsPerColumn < last; ++column) {
        uint64_t height =
            std::min(end, (row + 1) * bytesPerRow) - std::max<uint64_t>(begin, row * bytesPerRow);
        uint64_t width = std::min<uint64_t>(last, firstStep + (column + 1) * stepsPerColumn) -
                         std::max<uint64_t>(first, firstStep + column * stepsPerColumn);
        visit(row * columns + column, height * width);
      }
  }

  void paint() {
    cells.assign(rows * columns, '.');
    std::vector<uint64_t> covered(cells.size(), 0);
    for (uint32_t i = 0; i < problem.buffers.size(); ++i) {
      const SramBuffer &buffer = problem.buffers[i];
      forCells(offsets[i], offsets[i] + buffer.size, buffer.first.value, buffer.last.value,
               [&](size_t cell, uint64_t area) {
                 if (area <= covered[cell])
                   return;
                 covered[cell] = area;
                 cells[cell] = letters[i];
               });
    }
  }

  void markCollisions() {
    for (size_t i = 0; i < problem.buffers.size(); ++i)
      for (size_t j = 0; j < i; ++j) {
        const SramBuffer &a = problem.buffers[i], &b = problem.buffers[j];
        uint64_t begin = std::max(offsets[i], offsets[j]);
        uint64_t end = std::min(offsets[i] + a.size, offsets[j] + b.size);
        if (begin < end && liveTogether(a, b))
          forCells(begin, end, std::max(a.first, b.first, byValue).value,
                   std::min(a.last, b.last, byValue).value,
                   [&](size_t cell, uint64_t) { cells[cell] = '!'; });
      }
  }

  static bool byValue(StepIdx a, StepIdx b) { return a < b; }

  std::string axis() const {
    std::string first = std::to_string(firstStep), last = std::to_string(lastStep - 1);
    std::string line = first;
    if (columns > first.size() + last.size())
      line += std::string(columns - first.size() - last.size(), ' ') + last;
    LivePeak peak = maxLive(problem);
    size_t column = size_t((peak.step.value - firstStep) / stepsPerColumn);
    std::string margin(kLabel + 2, ' ');
    return margin + line + "  steps, " + std::to_string(stepsPerColumn) + " per column, " +
           std::to_string(bytesPerRow) + " bytes per line\n" + margin + std::string(column, ' ') +
           "^ step " + std::to_string(peak.step.value) +
           " is the fullest: " + std::to_string(peak.bytes) + " live bytes\n";
  }

  std::string legend() const {
    std::string text;
    size_t named = 0;
    for (BufferIdx index : bySize) {
      const SramBuffer &buffer = problem.buffers[index.value];
      uint64_t offset = offsets[index.value];
      if (letters[index.value] == '*')
        break;
      ++named;
      text += std::string("  ") + letters[index.value] + "  " + label(buffer.size) + " bytes  [" +
              std::to_string(offset) + ", " + std::to_string(offset + buffer.size) + ")  steps " +
              std::to_string(buffer.first.value) + " to " + std::to_string(buffer.last.value - 1) +
              "  " + buffer.name + "\n";
    }
    if (named < bySize.size())
      text += "  *  " + std::to_string(bySize.size() - named) + " smaller buffers\n";
    return text;
  }

  const SramProblem &problem;
  const std::vector<uint64_t> &offsets;
  const MemoryMapStyle &style;
  uint32_t firstStep = UINT32_MAX;
  uint32_t lastStep = 0;
  uint64_t top = 0;
  uint64_t stepsPerColumn = 1;
  uint64_t bytesPerRow = 1;
  size_t columns = 0;
  size_t rows = 0;
  std::vector<BufferIdx> bySize;
  std::string letters; ///< per buffer
  std::string cells;   ///< row by row from address 0
};

} // namespace

std::string drawMemoryMap(const SramProblem &problem, const std::vector<uint64_t> &offsets,
                          const MemoryMapStyle &style) {
  if (problem.buffers.empty() || offsets.size() != problem.buffers.size())
    return "(nothing to draw)\n";
  return Chart(problem, offsets, style).text();
}

} // namespace llmc::passes
