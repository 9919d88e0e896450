// The codes of all rows, by slot.
#pragma once

#include <cstddef>

#include "base/table.hpp"
#include "base/types.hpp"
#include "codecs/walk_code.hpp"

namespace vicinal {

struct CodeTable {
    explicit CodeTable(const WalkCode& walk_code)
        : code(walk_code), codes(code.stride()), factors(code.factor_bytes()) {}

    WalkCode code;  // how they are made
    Table codes;
    Table factors;  // beside each code, where it has factors

    bool on() const { return code.on(); }
    std::size_t row_bytes() const { return codes.stride() + factors.stride(); }
    kernels::Rows rows() const {
        return {codes.data(), codes.stride(), code.length(), factors.as<float>(), factors.stride() / sizeof(float)};
    }
    CodeFactors factors_of(Slot slot) const {
        return factors.stride() == 0 ? CodeFactors{} : factors.as<CodeFactors>()[index_of(slot)];
    }
    Probe probe_of(Slot slot) const { return code.probe_code(codes.row(index_of(slot)), factors_of(slot)); }

    // Requires: room for the slot.
    void encode(Slot slot, const float* values) {
        code.encode(values, codes.row(index_of(slot)),
                    factors.stride() == 0 ? nullptr : factors.as<CodeFactors>() + index_of(slot));
    }
};

}  // namespace vicinal
