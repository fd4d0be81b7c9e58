#include "CDashboardFiles.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "../Dashboard/Web/index.html"
};

#define SCRIPT "text/javascript; charset=utf-8"
#define FILE_AT(path, type, bytes) {path, type, bytes, sizeof bytes}

static const struct weir_dashboard_file files[] = {
    FILE_AT("/", "text/html; charset=utf-8", index_html),
};

const struct weir_dashboard_file *weir_dashboard_file_at(size_t index) {
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
