// Loaded before the C library by database.py: writes that fail and clocks that jump, as the file $WEIR_SHIM says.
// Its lines: "write ERRNO PART-OF-A-PATH" and "clock SECONDS".
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

// Answers whether a line of this kind is there, with its number and the text behind it.
static int told(const char *kind, long long *number, char text[256]) {
    const char *path = getenv("WEIR_SHIM");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) return 0;
    char line[512], name[16];
    int found = 0;
    text[0] = 0;
    while (!found && fgets(line, sizeof line, file)) {
        text[0] = 0;
        found = sscanf(line, "%15s %lld %255s", name, number, text) >= 2 && strcmp(name, kind) == 0;
    }
    fclose(file);
    return found;
}

static int fails(int descriptor) {
    char link[64], path[512], part[256];
    long long error;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    path[count > 0 ? count : 0] = 0;
    int found = strstr(path, ".db") && told("write", &error, part) && strstr(path, part);
    errno = found ? (int)error : before;
    return found;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    return fails(descriptor) ? -1 : real(descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite");
    return fails(descriptor) ? -1 : real(descriptor, bytes, count, offset);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    static __thread int inside;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    char text[256];
    long long seconds;
    if (result == 0 && clock == CLOCK_REALTIME && !inside) {
        int before = errno;
        inside = 1;
        if (told("clock", &seconds, text)) now->tv_sec += seconds;
        inside = 0;
        errno = before;
    }
    return result;
}
