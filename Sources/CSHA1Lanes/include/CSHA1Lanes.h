// SHA-1 (FIPS 180-4) of several inputs at a time. One input leaves a core's SHA unit idle for most of the time, because
// each round waits for the one before; OpenSSL has no interface for several.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { WEIR_SHA1_LANES = 4 };

/// Whether this machine has the instructions. Nothing else may be called where it has not.
int weir_sha1_lanes_available(void);

/// Takes in `blocks` times 64 bytes of each input, each into its own state.
void weir_sha1_lanes(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks);

/// The same for two.
void weir_sha1_two_lanes(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks);

/// The same for one.
void weir_sha1_one_lane(uint32_t (*states)[5], const uint8_t *const *inputs, size_t blocks);
