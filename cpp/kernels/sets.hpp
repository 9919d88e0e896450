// The table of each instruction set, for dispatch.cpp alone. A table is defined only in builds that contain the
// set, told by VICINAL_HAVE_AVX2, VICINAL_HAVE_AVX512 and VICINAL_HAVE_NEON. No inline code, for the reason given in
// kernels.hpp; the tables are constants, so that reading one runs no instruction the processor may lack.
#pragma once

#include "kernels/kernels.hpp"

namespace vicinal::kernels {

extern const Table kScalarTable;
extern const Table kAvx2Table;
extern const Table kAvx512Table;
extern const Table kNeonTable;

extern const Loops kScalarLoops;
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const Loops kNeonLoops;

extern const RaiseMaxima kRaiseMaximaScalar;
extern const RaiseMaxima kRaiseMaximaAvx2;
extern const RaiseMaxima kRaiseMaximaAvx512;
extern const RaiseMaxima kRaiseMaximaNeon;

void dot_crumbs_scalar(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out);
void dot_crumbs_avx2(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out);
void dot_crumbs_avx512(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out);
void dot_crumbs_neon(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out);
extern const PackedDots kPackedScalar;
extern const PackedDots kPackedAvx2;
extern const PackedDots kPackedAvx512;
extern const PackedDots kPackedNeon;

}  // namespace vicinal::kernels
