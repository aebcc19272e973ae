#include "compiler/Import/Tokenizer/TokenizerStages.h"

#include <nlohmann/json.hpp>

namespace llmc {

namespace {

using namespace rt::tok;
using Json = nlohmann::json;

struct KnownPattern {
  Pattern pattern;
  const char *regex;
};

/// Spellings seen in published files; those of one pattern match the same text.
constexpr KnownPattern knownPatterns[] = {
    {PatternGpt2, R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    {PatternGpt2, R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    {PatternLlama3, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {PatternLlama3, R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3})"
                    R"(| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"},
    {PatternQwen2, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                   R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
};

/// The member `key`, or null where the object lacks it.
const Json &member(const Json &object, const char *key) {
  static const Json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string typeOf(const Json &stage) {
  const Json &type = stage.is_object() ? member(stage, "type") : stage;
  return type.is_string() ? type.get<std::string>() : type.dump();
}

/// A switch that is `fallback` where the file leaves it out.
bool isOn(const Json &stage, const char *key, bool fallback) {
  const Json &value = member(stage, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

/// The stages of a Sequence, or the stage itself; none for null.
std::vector<Json> flatten(const Json &stage, const char *list) {
  if (stage.is_null())
    return {};
  if (typeOf(stage) != "Sequence")
    return {stage};
  const Json &inner = member(stage, list);
  return inner.is_array() ? std::vector<Json>(inner.begin(), inner.end())
                          : std::vector<Json>{inner};
}

using Failure = std::optional<TokenizerError>;

/// Walks a pre_tokenizer: [Digits] [Split] ByteLevel.
class PreTokenizerReader {
public:
  explicit PreTokenizerReader(TokenizerStages &out) : out(out) {}

  Failure read(const Json &preTokenizer) {
    for (const Json &stage : flatten(preTokenizer, "pretokenizers")) {
      const std::string type = typeOf(stage);
      const Failure failure = hasByteLevel ? fail(type + " after ByteLevel is not supported")
                              : type == "ByteLevel" ? readByteLevel(stage)
                              : type == "Split"     ? readSplit(stage)
                              : type == "Digits"    ? readDigits(stage)
                                                    : fail("type " + type + " is not supported");
      if (failure)
        return failure;
    }
    return hasByteLevel ? Failure()
                        : fail("has no ByteLevel stage; only byte-level BPE is supported");
  }

private:
  static Failure fail(const std::string &what) { return TokenizerError{"pre_tokenizer: " + what}; }

  Failure readByteLevel(const Json &stage) {
    hasByteLevel = true;
    if (isOn(stage, "add_prefix_space", true))
      return fail("ByteLevel with add_prefix_space is not supported; set it to false and prompt "
                  "with a leading space");
    if (!isOn(stage, "use_regex", true))
      return {};
    if (hasSplit)
      return fail("ByteLevel with use_regex after Split would cut twice, which is not supported");
    out.pattern = PatternGpt2;
    return {};
  }

  Failure readSplit(const Json &stage) {
    if (hasSplit)
      return fail("a second Split is not supported");
    hasSplit = true;
    const Json &pattern = member(stage, "pattern");
    const Json &regex = pattern.is_object() ? member(pattern, "Regex") : pattern;
    if (!regex.is_string())
      return fail("Split needs a pattern {\"Regex\": ...}, found " + pattern.dump());
    // A known pattern matches every character, so it is the same whether matches are isolated or
    // the rest is removed.
    const std::string behavior = typeOf(member(stage, "behavior"));
    const bool inverted = isOn(stage, "invert", false);
    if (behavior != "Isolated" && !(behavior == "Removed" && inverted))
      return fail("Split with behavior " + behavior + (inverted ? ", inverted," : "") +
                  " is not supported; expected Isolated");
    for (const KnownPattern &known : knownPatterns)
      if (regex.get<std::string>() == known.regex) {
        out.pattern = known.pattern;
        return {};
      }
    return fail("Split pattern is not known: " + regex.get<std::string>() +
                " ; known are those of GPT-2, Llama 3 (cl100k) and Qwen2");
  }

  Failure readDigits(const Json &stage) {
    if (hasSplit || out.digitSplit != DigitsTogether)
      return fail("Digits is supported once, as the first stage");
    out.digitSplit = isOn(stage, "individual_digits", false) ? DigitsEach : DigitsRuns;
    return {};
  }

  TokenizerStages &out;
  bool hasByteLevel = false, hasSplit = false;
};

Failure checkNormalizer(const Json &normalizer) {
  const auto stages = flatten(normalizer, "normalizers");
  if (stages.empty())
    return {};
  return TokenizerError{"normalizer: type " + typeOf(stages[0]) +
                        " is not supported; set it to null where texts are already normalized"};
}

Failure checkDecoder(const Json &decoder) {
  const auto stages = flatten(decoder, "decoders");
  if (stages.size() == 1 && typeOf(stages[0]) == "ByteLevel")
    return {};
  return TokenizerError{"decoder: expected ByteLevel, found " +
                        (stages.empty() ? "none" : typeOf(stages[0])) +
                        (stages.size() > 1 ? " and others" : "")};
}

/// The only id that a TemplateProcessing's special token stands for.
std::optional<uint32_t> templateId(const Json &stage, const Json &piece) {
  const Json &tokens = member(stage, "special_tokens");
  const Json &name = member(member(piece, "SpecialToken"), "id");
  if (!tokens.is_object() || !name.is_string())
    return std::nullopt;
  const Json &token = member(tokens, name.get<std::string>().c_str());
  const Json &ids = token.is_object() ? member(token, "ids") : token;
  if (!ids.is_array() || ids.size() != 1 || !ids[0].is_number_unsigned() ||
      ids[0].get<uint64_t>() >= NoId)
    return std::nullopt;
  return ids[0].get<uint32_t>();
}

/// Template "bos A" is recorded; whatever else a template adds is noted.
void readTemplate(const Json &stage, TokenizerStages &out) {
  const Json &pieces = member(stage, "single");
  bool first = true;
  for (const Json &piece : pieces.is_array() ? pieces : Json::array()) {
    if (!piece.is_object() || !member(piece, "SpecialToken").is_object()) {
      first = false;
      continue;
    }
    const std::optional<uint32_t> id = templateId(stage, piece);
    if (first && id)
      out.leadingId = id;
    else
      out.notes.push_back("post_processor: not followed: adds " +
                          member(piece, "SpecialToken").dump());
    first = false;
  }
}

} // namespace

TokenizerResult<TokenizerStages> readTokenizerStages(const Json &document) {
  TokenizerStages out;
  if (const Failure failure = checkNormalizer(member(document, "normalizer")))
    return *failure;
  if (const Failure failure = PreTokenizerReader(out).read(member(document, "pre_tokenizer")))
    return *failure;
  if (const Failure failure = checkDecoder(member(document, "decoder")))
    return *failure;
  for (const Json &stage : flatten(member(document, "post_processor"), "processors")) {
    if (typeOf(stage) == "TemplateProcessing")
      readTemplate(stage, out);
    else if (typeOf(stage) != "ByteLevel") // which only moves offsets
      out.notes.push_back("post_processor: not followed: " + typeOf(stage));
  }
  for (const char *key : {"truncation", "padding"})
    if (!member(document, key).is_null())
      out.notes.push_back(std::string(key) + ": not followed");
  return out;
}

const char *patternName(Pattern pattern) {
  switch (pattern) {
  case PatternGpt2:
    return "gpt2";
  case PatternLlama3:
    return "llama3";
  case PatternQwen2:
    return "qwen2";
  default:
    return "none";
  }
}

} // namespace llmc
