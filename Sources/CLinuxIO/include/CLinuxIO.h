// Linux headers that Swift's Glibc module lacks. A call behind _GNU_SOURCE gets a wrapper in CLinuxIO.c.
#pragma once
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>

/// O_PATH: opens a place, not its content.
#define WEIR_O_PATH 010000000

/// Names a thread, for `top -H` and debuggers; longer names are cut to 15 bytes.
void weir_set_thread_name(pthread_t thread, const char *name);

/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC.
int weir_accept(int listener, void *address, unsigned *length);

/// Opens a path below the directory `root` with openat2(2) and RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: no
/// symbolic link, `..` or absolute path leads out. Answers -1 with errno; EXDEV is an escape, ENOSYS or EPERM
/// may be a kernel or a sandbox without the call.
int weir_open_beneath(int root, const char *path, int flags, unsigned mode);

/// preadv2(2) with RWF_NOWAIT for one buffer: only what the page cache holds. EAGAIN when it does not,
/// EOPNOTSUPP when the file system cannot tell.
ssize_t weir_pread_cached(int file, void *buffer, size_t count, off_t offset);

/// The same, and RESOLVE_CACHED | RESOLVE_NO_XDEV: only what the kernel can resolve from memory, and only on the file
/// system of `root`. EAGAIN and EXDEV when that is not all of the path, EINVAL on kernels before 5.12.
int weir_open_cached(int root, const char *path, int flags);

/// Who answers when a file is opened, read or closed.
enum {
    /// A server, a program (FUSE), or who knows: each may take as long as it likes.
    WEIR_MEDIUM_OTHER,
    /// A disk of this machine: opening and closing what was looked up before waits for nothing.
    WEIR_MEDIUM_DISK,
    /// tmpfs, ramfs: reading waits for nothing either.
    WEIR_MEDIUM_MEMORY,
};
int weir_medium(int file);

/// syncfs(2): all that was written to the file system of this open file, and names too, is on disk afterwards.
int weir_sync_file_system(int file);

/// Asks the kernel to read a part of a file ahead; without effect where it cannot.
void weir_will_need(int file, off_t offset, off_t count);

/// Lets go of the pages of machine code that this process has mapped, its libraries' too. Those that are used again come
/// back from the page cache with a fault each; those that only the start needed do not.
void weir_release_code(void);
