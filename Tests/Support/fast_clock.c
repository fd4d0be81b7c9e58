// Makes a process live faster: its clocks run WEIR_CLOCK_SPEED times as fast, and it waits for so much less.
//
//     cc -shared -fPIC -O2 -o fast_clock.so fast_clock.c -ldl
//     LD_PRELOAD=./fast_clock.so WEIR_CLOCK_SPEED=1000 weir serve
//
// For tests that let a day pass in half a minute.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static double speed = 1;
static struct timespec began[2];

__attribute__((constructor)) static void begin(void) {
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *text = getenv("WEIR_CLOCK_SPEED");
    if (text) speed = atof(text);
    if (speed < 1) speed = 1;
    real_clock_gettime(CLOCK_REALTIME, &began[0]);
    real_clock_gettime(CLOCK_MONOTONIC, &began[1]);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_clock_gettime) begin();
    int code = real_clock_gettime(clock, now);
    int which = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? 0
        : clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME ? 1 : -1;
    if (code != 0 || which < 0) return code;
    const struct timespec *start = &began[which];
    double passed = ((double)(now->tv_sec - start->tv_sec) + (double)(now->tv_nsec - start->tv_nsec) / 1e9) * speed;
    long long nanoseconds = (long long)(passed * 1e9) + start->tv_nsec;
    now->tv_sec = start->tv_sec + nanoseconds / 1000000000;
    now->tv_nsec = nanoseconds % 1000000000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

// Milliseconds are too coarse for a wait that is a thousand times as short.
static struct timespec *shortened(int milliseconds, struct timespec *wait) {
    if (milliseconds < 0) return NULL;
    double seconds = milliseconds / 1000.0 / speed;
    wait->tv_sec = (time_t)seconds;
    wait->tv_nsec = (long)((seconds - (double)wait->tv_sec) * 1e9);
    return wait;
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
    struct timespec wait;
    return epoll_pwait2(epoll, events, count, shortened(milliseconds, &wait), NULL);
}

int poll(struct pollfd *descriptors, nfds_t count, int milliseconds) {
    struct timespec wait;
    return ppoll(descriptors, count, shortened(milliseconds, &wait), NULL);
}
