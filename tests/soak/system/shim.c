/* Stands between a process and the system calls of files: counts those below watched folders, lets
 * one of them fail, logs them, or asks a scheduler before each. Loaded by LD_PRELOAD; driven by
 * soak.system.shim. Without a call of soak_watch nothing happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN_READ, OPEN_WRITE, READ, WRITE, SHORT_WRITE, FSYNC, RENAME, UNLINK, CLOSE, MKDIR, KINDS };
enum { MODE_COUNT, MODE_FAIL, MODE_KILL };
enum { LOG_CREATE = 1, LOG_TRUNCATE, LOG_WRITE, LOG_FSYNC, LOG_RENAME, LOG_UNLINK, LOG_MKDIR,
       LOG_APPEND };
enum { MAX_FD = 65536 };

static char watched[8][4096];
static int num_watched, mode, fail_kind = -1, fail_errno, log_fd = -1, gate_out = -1, gate_in = -1;
static long counts[KINDS + 1], fail_index, fired; /* counts[KINDS]: calls of all kinds */
static char is_watched[MAX_FD];                   /* 1: a file, 2: one that was just cut short */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

void soak_watch(const char *folder) {
    if (num_watched < 8) snprintf(watched[num_watched++], sizeof watched[0], "%s", folder);
}
void soak_fail(int kind, long index, int error) {
    mode = MODE_FAIL, fail_kind = kind, fail_index = index, fail_errno = error;
}
void soak_kill(long index) { mode = MODE_KILL, fail_index = index; }
void soak_log(int fd) { log_fd = fd; }
void soak_gate(int out, int in) { gate_out = out, gate_in = in; }
long soak_count(int kind) { return counts[kind]; }
long soak_fired(void) { return fired; }

static int path_of(int dir, const char *path, char *full) {
    char base[4096] = "";
    if (!num_watched || !path) return 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, base, sizeof base - 2);
        if (n < 0) return 0;
        base[n] = '/', base[n + 1] = 0;
    }
    snprintf(full, 4096, "%s%s", base, path);
    for (int i = 0; i < num_watched; i++) {
        size_t n = strlen(watched[i]);
        if (!strncmp(full, watched[i], n) && (full[n] == '/' || !full[n])) return 1;
    }
    return 0;
}

/* Count a call; return whether it must fail. */
static int arrive(int kind) {
    int saved = errno;
    if (gate_out >= 0) {
        char byte = 'a' + kind;
        if (syscall(SYS_write, gate_out, &byte, 1) == 1)
            while (syscall(SYS_read, gate_in, &byte, 1) < 0 && errno == EINTR) {}
    }
    long mine = __sync_fetch_and_add(&counts[kind], 1), all = 0;
    if (kind != SHORT_WRITE) all = __sync_fetch_and_add(&counts[KINDS], 1);
    if (mode == MODE_KILL && kind != SHORT_WRITE && all == fail_index) raise(SIGKILL);
    errno = saved;
    if (mode != MODE_FAIL || kind != fail_kind || mine != fail_index) return 0;
    fired++;
    if (kind != SHORT_WRITE) errno = fail_errno;
    return 1;
}

static int is_ours(int fd) { return fd >= 0 && fd < MAX_FD && is_watched[fd]; }

static void note(int op, uint64_t inode, uint64_t offset, const char *first, const char *second,
                 const void *data, uint64_t size) {
    if (log_fd < 0) return;
    int saved = errno;
    uint64_t a = first ? strlen(first) : 0, b = second ? strlen(second) : 0;
    uint64_t head[6] = {op, inode, offset, a, b, size};
    struct iovec parts[4] = {
        {head, sizeof head}, {(void *)first, a}, {(void *)second, b}, {(void *)data, size}};
    pthread_mutex_lock(&log_lock);
    syscall(SYS_writev, log_fd, parts, 4);
    pthread_mutex_unlock(&log_lock);
    errno = saved;
}

static uint64_t inode_of(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_ino;
}

static int open_any(int dir, const char *path, int flags, mode_t mode_bits) {
    char full[4096];
    REAL(int, "openat64", int, const char *, int, ...);
    int ours = path_of(dir, path, full), writes = (flags & O_ACCMODE) != O_RDONLY;
    struct stat before;
    int is_new = ours && (flags & O_CREAT) && stat(full, &before);
    if (ours && arrive(writes ? OPEN_WRITE : OPEN_READ)) return -1;
    int fd = real(dir, path, flags, mode_bits);
    if (fd < 0 || fd >= MAX_FD) return fd;
    is_watched[fd] = ours;
    if (ours && is_new) note(LOG_CREATE, inode_of(fd), 0, full, 0, 0, 0);
    else if (ours && (flags & O_TRUNC)) note(LOG_TRUNCATE, inode_of(fd), 0, full, 0, 0, 0);
    return fd;
}

#define MODE_BITS(bits) \
    mode_t bits = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; va_start(rest, flags); bits = va_arg(rest, mode_t); va_end(rest); \
    }
int open(const char *path, int flags, ...) {
    MODE_BITS(bits) return open_any(AT_FDCWD, path, flags, bits);
}
int open64(const char *path, int flags, ...) {
    MODE_BITS(bits) return open_any(AT_FDCWD, path, flags, bits);
}
int openat(int dir, const char *path, int flags, ...) {
    MODE_BITS(bits) return open_any(dir, path, flags, bits);
}
int openat64(int dir, const char *path, int flags, ...) {
    MODE_BITS(bits) return open_any(dir, path, flags, bits);
}

static FILE *fopen_any(const char *path, const char *how) {
    char full[4096];
    REAL(FILE *, "fopen64", const char *, const char *);
    int ours = path_of(AT_FDCWD, path, full), writes = !(how[0] == 'r' && !strchr(how, '+'));
    struct stat before;
    int is_new = ours && writes && stat(full, &before);
    if (ours && arrive(writes ? OPEN_WRITE : OPEN_READ)) return NULL;
    FILE *file = real(path, how);
    if (file && fileno(file) < MAX_FD) {
        is_watched[fileno(file)] = ours;
        if (is_new) note(LOG_CREATE, inode_of(fileno(file)), 0, full, 0, 0, 0);
        else if (ours && how[0] == 'w')
            note(LOG_TRUNCATE, inode_of(fileno(file)), 0, full, 0, 0, 0);
    }
    return file;
}
FILE *fopen(const char *path, const char *how) { return fopen_any(path, how); }
FILE *fopen64(const char *path, const char *how) { return fopen_any(path, how); }

size_t fwrite(const void *data, size_t size, size_t number, FILE *file) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (is_ours(fileno(file))) {
        if (arrive(WRITE)) return 0;
        note(LOG_APPEND, inode_of(fileno(file)), 0, 0, 0, data, size * number);
    }
    return real(data, size, number, file);
}
int fflush(FILE *file) {
    REAL(int, "fflush", FILE *);
    if (file && is_ours(fileno(file)) && arrive(WRITE)) return EOF;
    return real(file);
}
int fclose(FILE *file) {
    REAL(int, "fclose", FILE *);
    int fd = fileno(file), ours = is_ours(fd), fails = ours && arrive(CLOSE);
    if (ours) is_watched[fd] = 0;
    int result = real(file);
    if (fails) errno = fail_errno;
    return fails ? EOF : result;
}

/* A short write is legal; what follows it on the same file may find the disk full. */
static ssize_t write_any(int fd, const void *data, size_t size, off_t offset, int at) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!is_ours(fd)) return at ? syscall(SYS_pwrite64, fd, data, size, offset) : real(fd, data, size);
    if (is_watched[fd] == 2 && fail_errno) {
        errno = fail_errno;
        return -1;
    }
    if (arrive(WRITE)) return -1;
    if (size > 1 && arrive(SHORT_WRITE)) size = size / 2, is_watched[fd] = 2;
    if (log_fd >= 0) {
        if (!at) offset = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
        note(LOG_WRITE, inode_of(fd), offset, 0, 0, data, size);
        if (at) return syscall(SYS_pwrite64, fd, data, size, offset);
    }
    return at ? syscall(SYS_pwrite64, fd, data, size, offset) : real(fd, data, size);
}
ssize_t write(int fd, const void *data, size_t size) { return write_any(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return write_any(fd, data, size, at, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    return write_any(fd, data, size, at, 1);
}
ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (!is_ours(fd)) return real(fd, parts, number);
    return number ? write_any(fd, parts[0].iov_base, parts[0].iov_len, 0, 0) : 0;
}
/* Copies within the kernel fall back to read and write, which are seen. */
ssize_t sendfile(int out, int in, off_t *offset, size_t size) {
    if (is_ours(out)) { errno = ENOTSOCK; return -1; }
    return syscall(SYS_sendfile, out, in, offset, size);
}
ssize_t sendfile64(int out, int in, off_t *offset, size_t size) {
    return sendfile(out, in, offset, size);
}
ssize_t copy_file_range(int in, off_t *a, int out, off_t *b, size_t size, unsigned flags) {
    if (is_ours(out)) { errno = EXDEV; return -1; }
    return syscall(SYS_copy_file_range, in, a, out, b, size, flags);
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    return is_ours(fd) && arrive(READ) ? -1 : real(fd, data, size);
}
static ssize_t pread_any(int fd, void *data, size_t size, off_t at) {
    return is_ours(fd) && arrive(READ) ? -1 : syscall(SYS_pread64, fd, data, size, at);
}
ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread_any(fd, data, size, at); }
ssize_t pread64(int fd, void *data, size_t size, off_t at) { return pread_any(fd, data, size, at); }

static int truncate_any(int fd, off_t size) {
    if (is_ours(fd)) {
        if (arrive(WRITE)) return -1;
        note(LOG_TRUNCATE, inode_of(fd), size, 0, 0, 0, 0);
    }
    return syscall(SYS_ftruncate, fd, size);
}
int ftruncate(int fd, off_t size) { return truncate_any(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_any(fd, size); }

static int sync_any(int fd, int number) {
    if (is_ours(fd)) {
        if (arrive(FSYNC)) return -1;
        char link[64], path[4096] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, path, sizeof path - 1) < 0) path[0] = 0;
        note(LOG_FSYNC, inode_of(fd), 0, path, 0, 0, 0);
    }
    return syscall(number, fd);
}
int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    char a[4096], b[4096];
    int ours = path_of(from_dir, from, a) | path_of(to_dir, to, b);
    if (ours && arrive(RENAME)) return -1;
    int result = syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    if (ours && !result) note(LOG_RENAME, 0, 0, a, b, 0, 0);
    return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int dir, const char *path, int flags) {
    char full[4096];
    int ours = path_of(dir, path, full);
    if (ours && arrive(UNLINK)) return -1;
    int result = syscall(SYS_unlinkat, dir, path, flags);
    if (ours && !result) note(LOG_UNLINK, 0, 0, full, 0, 0, 0);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int result = unlinkat(AT_FDCWD, path, 0);
    return result && errno == EISDIR ? rmdir(path) : result;
}

int mkdir(const char *path, mode_t bits) {
    char full[4096];
    int ours = path_of(AT_FDCWD, path, full);
    if (ours && arrive(MKDIR)) return -1;
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, bits);
    if (ours && !result) note(LOG_MKDIR, 0, 0, full, 0, 0, 0);
    return result;
}

int close(int fd) {
    int fails = is_ours(fd) && arrive(CLOSE);
    if (is_ours(fd)) is_watched[fd] = 0;
    int result = syscall(SYS_close, fd);
    if (fails) errno = fail_errno;
    return fails ? -1 : result;
}
