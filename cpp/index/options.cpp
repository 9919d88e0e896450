#include "index/options.hpp"

#include <string>

#include "base/errors.hpp"

namespace vicinal {
namespace {

void check_range(const char* name, std::size_t value, std::size_t least, std::size_t most) {
    if (value >= least && value <= most) return;
    throw InvalidArgumentError(std::string(name) + " is " + std::to_string(value) + ", expected " +
                               std::to_string(least) + " to " + std::to_string(most));
}

void check_walked(const Options& options) {
    const Traversal asked = options.traversal;
    if (options.vectors != Tier::memory && !is_tier(asked))
        throw InvalidArgumentError("vectors are to lie on disk, and there are no codes to walk on: name codes");
    if (asked == Traversal::automatic || WalkCode::serves(Space(options.metric, options.dtype, options.dim), asked))
        return;
    const std::string whom =
        " metric " + std::string(name_of(options.metric)) + " with dtype " + std::string(name_of(options.dtype));
    if (is_tier(asked))
        throw InvalidArgumentError("codes " + std::string(name_of(asked)) + " do not serve" + whom +
                                   ": they are made of vectors stored as f32, f16 or bf16");
    throw InvalidArgumentError("traversal " + std::string(name_of(asked)) + " does not serve" + whom +
                               ": sq8 and sq4 take f32, f16 and bf16, u8 the same under l2 and ip");
}

}  // namespace

void check(const Options& options) {
    check_range("dim", options.dim, 1, kMaxDim);
    check_range("M", options.M, kMinM, kMaxM);
    check_range("ef_construction", options.ef_construction, 1, kMaxEf);
    if (!go_together(options.metric, options.dtype))
        throw InvalidArgumentError("metric " + std::string(name_of(options.metric)) + " does not go with dtype " +
                                   std::string(name_of(options.dtype)) +
                                   ": l2, ip and cosine take f32, f16, bf16, i8 and u8; hamming and jaccard take b1");
    check_walked(options);
    if (options.dtype == Dtype::b1 && options.dim % 8 != 0)
        throw InvalidArgumentError("dim is " + std::to_string(options.dim) +
                                   ", expected a multiple of 8 for packed bits");
}

}  // namespace vicinal
