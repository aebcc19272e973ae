#include "tools/make-model/ModelShape.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llmc::make {

const std::vector<ModelShape> &knownShapes() {
  // name, hidden, layers, heads, kvHeads, headDim, ffn, vocabulary, context, ropeTheta, tied
  static const std::vector<ModelShape> shapes = {
      {"smollm2-135m", 576, 30, 9, 3, 64, 1536, 49152, 8192, 1e5, true},
      {"tinyllama-1.1b", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 1e4, false},
      {"tiny", 64, 2, 4, 2, 16, 96, 160, 64, 1e4, true},
      {"tiny-12", 64, 12, 4, 2, 16, 96, 160, 64, 1e4, true},
      {"tiny-untied", 64, 2, 4, 2, 16, 96, 160, 64, 1e4, false},
  };
  return shapes;
}

const ModelShape *findShape(const std::string &name) {
  const auto found = std::find_if(knownShapes().begin(), knownShapes().end(),
                                  [&](const ModelShape &shape) { return shape.name == name; });
  return found == knownShapes().end() ? nullptr : &*found;
}

std::string configJson(const ModelShape &shape, bool half) {
  const nlohmann::ordered_json config = {
      {"architectures", {"LlamaForCausalLM"}},
      {"attention_bias", false},
      {"bos_token_id", 1},
      {"dtype", half ? "float16" : "float32"},
      {"eos_token_id", 2},
      {"head_dim", shape.headDim},
      {"hidden_act", "silu"},
      {"hidden_size", shape.hidden},
      {"intermediate_size", shape.ffn},
      {"max_position_embeddings", shape.context},
      {"mlp_bias", false},
      {"model_type", "llama"},
      {"num_attention_heads", shape.heads},
      {"num_hidden_layers", shape.layers},
      {"num_key_value_heads", shape.kvHeads},
      {"rms_norm_eps", 1e-5},
      {"rope_scaling", nullptr},
      {"rope_theta", shape.ropeTheta},
      {"tie_word_embeddings", shape.tied},
      {"use_cache", true},
      {"vocab_size", shape.vocabulary},
  };
  return config.dump(1) + "\n";
}

} // namespace llmc::make
