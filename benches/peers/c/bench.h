/* What the peers in C have in common: reading the list of cases, timing, counting allocations.
 *
 * A peer is run as `PEER DIRECTORY MILLISECONDS`. It reads DIRECTORY/cases and prints for each case
 * that it knows: case, its own name, the median of nanoseconds per operation over many batches, the
 * allocations of one operation. A case of which the peer has only a part ends the program. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static unsigned long allocations;

/* Libraries find these before the C library's. */
void *malloc(size_t size) { allocations++; return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { allocations++; return __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { allocations++; return __libc_realloc(p, size); }

struct octets { unsigned char *data; size_t length; };

struct test_case {
    char name[64], operation[16], what[32];
    struct octets input, key;
};

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, current, #condition); \
            exit(1); \
        } \
    } while (0)

static const char *current = "";
static double milliseconds;

static double thread_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Measures `operation(argument)` under the name `who`. */
static void measure(const char *who, void (*operation)(void *), void *argument) {
    enum { BATCHES = 15 };
    double batch[BATCHES], start;
    unsigned long iterations = 1, before, i;
    int n;

    operation(argument);
    before = allocations;
    operation(argument);
    before = allocations - before;
    for (;; iterations *= 2) {
        start = thread_time();
        for (i = 0; i < iterations; i++) operation(argument);
        if ((thread_time() - start) * BATCHES * 2 > milliseconds * 1e6) break;
    }
    for (n = 0; n < BATCHES; n++) {
        start = thread_time();
        for (i = 0; i < iterations; i++) operation(argument);
        batch[n] = (thread_time() - start) / iterations;
    }
    qsort(batch, BATCHES, sizeof *batch, ascending);
    printf("%s\t%s\t%.2f\t%lu\n", current, who, batch[BATCHES / 2], before);
}

static struct octets read_file(const char *directory, const char *name) {
    char path[512];
    struct octets octets = {malloc(2 << 20), 0};
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "rb");
    CHECK(file);
    octets.length = fread(octets.data, 1, 2 << 20, file);
    fclose(file);
    return octets;
}

/* Calls `run` for every case of the list. */
static int run_cases(int argc, char **argv, void (*run)(struct test_case *)) {
    char path[512], input[80], key[80];
    struct test_case c;
    FILE *list;

    current = "arguments";
    CHECK(argc == 3);
    milliseconds = atof(argv[2]);
    snprintf(path, sizeof path, "%s/cases", argv[1]);
    list = fopen(path, "r");
    CHECK(list);
    while (fscanf(list, "%63s %15s %31s %79s %79s", c.name, c.operation, c.what, input, key) == 5) {
        current = c.name;
        c.input = read_file(argv[1], input);
        c.key = read_file(argv[1], key);
        run(&c);
        free(c.input.data);
        free(c.key.data);
    }
    fclose(list);
    return 0;
}
