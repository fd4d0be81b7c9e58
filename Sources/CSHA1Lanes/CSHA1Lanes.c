#include "CSHA1Lanes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

int weir_sha1_lanes_available(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    // SSSE3 and SSE4.1, for the byte order and the fifth word.
    if (!(c & (1u << 9)) || !(c & (1u << 19))) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b & (1u << 29)) != 0;
}

// Four rounds (group `i` of 20, with the round constant number `k`) in every lane. `w` holds the last sixteen words of the
// message schedule as four vectors; `e` is the state before the group that went before, of which the instruction takes the
// fifth word.
#define FOUR_ROUNDS(i, k)                                                                                          \
    for (int lane = 0; lane < lanes; lane++) {                                                                     \
        __m128i *m = w[lane];                                                                                      \
        if ((i) >= 4) {                                                                                            \
            __m128i sum = _mm_xor_si128(_mm_sha1msg1_epu32(m[(i) & 3], m[((i) + 1) & 3]), m[((i) + 2) & 3]);       \
            m[(i) & 3] = _mm_sha1msg2_epu32(sum, m[((i) + 3) & 3]);                                                \
        }                                                                                                          \
        __m128i before = abcd[lane];                                                                               \
        __m128i in = (i) == 0 ? _mm_add_epi32(e[lane], m[0]) : _mm_sha1nexte_epu32(e[lane], m[(i) & 3]);           \
        abcd[lane] = _mm_sha1rnds4_epu32(before, in, k);                                                           \
        e[lane] = before;                                                                                          \
    }

// The number of lanes is a constant where this is inlined, so that all loops over them dissolve.
__attribute__((always_inline, target("sha,sse4.1"))) static inline void take_in(
    const int lanes, uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks) {
    const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i abcd[WEIR_SHA1_LANES], e[WEIR_SHA1_LANES];
    for (int lane = 0; lane < lanes; lane++) {
        abcd[lane] = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)states[lane]), 0x1b);
        e[lane] = _mm_set_epi32((int)states[lane][4], 0, 0, 0);
    }
    for (size_t block = 0; block < blocks; block++) {
        __m128i w[WEIR_SHA1_LANES][4], abcd_before[WEIR_SHA1_LANES], e_before[WEIR_SHA1_LANES];
        for (int lane = 0; lane < lanes; lane++) {
            const __m128i *input = (const __m128i *)(inputs[lane] + 64 * block);
            for (int i = 0; i < 4; i++) w[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128(input + i), big_endian);
            abcd_before[lane] = abcd[lane];
            e_before[lane] = e[lane];
        }
        FOUR_ROUNDS(0, 0) FOUR_ROUNDS(1, 0) FOUR_ROUNDS(2, 0) FOUR_ROUNDS(3, 0) FOUR_ROUNDS(4, 0)
        FOUR_ROUNDS(5, 1) FOUR_ROUNDS(6, 1) FOUR_ROUNDS(7, 1) FOUR_ROUNDS(8, 1) FOUR_ROUNDS(9, 1)
        FOUR_ROUNDS(10, 2) FOUR_ROUNDS(11, 2) FOUR_ROUNDS(12, 2) FOUR_ROUNDS(13, 2) FOUR_ROUNDS(14, 2)
        FOUR_ROUNDS(15, 3) FOUR_ROUNDS(16, 3) FOUR_ROUNDS(17, 3) FOUR_ROUNDS(18, 3) FOUR_ROUNDS(19, 3)
        for (int lane = 0; lane < lanes; lane++) {
            e[lane] = _mm_sha1nexte_epu32(e[lane], e_before[lane]);
            abcd[lane] = _mm_add_epi32(abcd[lane], abcd_before[lane]);
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        _mm_storeu_si128((__m128i *)states[lane], _mm_shuffle_epi32(abcd[lane], 0x1b));
        states[lane][4] = (uint32_t)_mm_extract_epi32(e[lane], 3);
    }
}

#define TARGET __attribute__((target("sha,sse4.1")))
#else
int weir_sha1_lanes_available(void) { return 0; }

static void take_in(int lanes, uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks) {
    (void)lanes, (void)states, (void)inputs, (void)blocks;
    __builtin_trap();
}

#define TARGET
#endif

TARGET void weir_sha1_lanes(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks) {
    take_in(WEIR_SHA1_LANES, states, inputs, blocks);
}

TARGET void weir_sha1_two_lanes(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks) {
    take_in(2, states, inputs, blocks);
}

TARGET void weir_sha1_one_lane(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks) {
    take_in(1, states, inputs, blocks);
}
