#define _GNU_SOURCE
#include "CLinuxIO.h"
#include <stdio.h>

void weir_set_thread_name(pthread_t thread, const char *name) {
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(thread, cut);
}

int weir_accept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
