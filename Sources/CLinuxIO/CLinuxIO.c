#define _GNU_SOURCE
#include "CLinuxIO.h"
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(WEIR_O_PATH == O_PATH, "another architecture's O_PATH");

void weir_set_thread_name(pthread_t thread, const char *name) {
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(thread, cut);
}

int weir_accept(int listener, void *address, unsigned *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int weir_open_beneath(int root, const char *path, int flags, unsigned mode) {
    struct open_how how = {
        .flags = (unsigned)flags,
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

ssize_t weir_pread_cached(int file, void *buffer, size_t count, off_t offset) {
    struct iovec part = {.iov_base = buffer, .iov_len = count};
    return preadv2(file, &part, 1, offset, RWF_NOWAIT);
}

int weir_open_cached(int root, const char *path, int flags) {
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV | RESOLVE_CACHED,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

int weir_medium(int file) {
    struct statfs status;
    if (fstatfs(file, &status) != 0) return WEIR_MEDIUM_OTHER;
    switch ((unsigned)status.f_type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC: return WEIR_MEDIUM_MEMORY;
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC: return WEIR_MEDIUM_DISK;
    default: return WEIR_MEDIUM_OTHER;
    }
}

void weir_will_need(int file, off_t offset, off_t count) {
    (void)posix_fadvise(file, offset, count, POSIX_FADV_WILLNEED);
}

int weir_sync_file_system(int file) { return syncfs(file); }

static int release_code_of(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    uintptr_t page = *(const uintptr_t *)page_size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        // Code that nobody has written to: what is dropped is read from the file again.
        if (part->p_type != PT_LOAD || (part->p_flags & (PF_X | PF_W)) != PF_X) continue;
        uintptr_t start = object->dlpi_addr + part->p_vaddr;
        uintptr_t end = (start + part->p_memsz) & ~(page - 1);
        start = (start + page - 1) & ~(page - 1);
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void weir_release_code(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(release_code_of, &page);
}
