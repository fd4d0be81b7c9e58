#ifndef WEIR_CLIBFUZZER_H
#define WEIR_CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/* Of LLVM's libFuzzer, which declares it in no header of its own. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
