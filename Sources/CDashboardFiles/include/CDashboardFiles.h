// The dashboard's files, which the compiler puts into the program.
#pragma once
#include <stddef.h>

struct weir_dashboard_file {
    /// Where it is served, exactly.
    const char *path;
    const char *type;
    const unsigned char *bytes;
    size_t count;
};

/// Null behind the last one.
const struct weir_dashboard_file *weir_dashboard_file_at(size_t index);
