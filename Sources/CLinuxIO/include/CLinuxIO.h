// Linux headers that Swift's Glibc module lacks. A call behind _GNU_SOURCE gets a wrapper in CLinuxIO.c.
#pragma once
#include <malloc.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

/// Names a thread, for `top -H` and debuggers; longer names are cut to 15 bytes.
void weir_set_thread_name(pthread_t thread, const char *name);

/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC.
int weir_accept(int listener, struct sockaddr *address, socklen_t *length);
