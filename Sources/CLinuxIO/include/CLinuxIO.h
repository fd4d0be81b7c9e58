// Linux headers that Swift's Glibc module lacks. A call behind _GNU_SOURCE gets a wrapper in CLinuxIO.c.
#pragma once
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
