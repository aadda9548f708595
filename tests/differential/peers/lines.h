/*
 * Questions and answers, one a line. A question is words with one space between; octets are
 * hexadecimal, "-" for none. The answer is "ok" and octets, or "no" and a reason.
 *
 * What is allocated for an answer stays allocated: the program lives as long as one test.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 16

struct octets {
    unsigned char *data;
    size_t length;
};

static struct octets unhex(const char *word)
{
    struct octets octets = {malloc(strlen(word) / 2 + 1), 0};

    for (; word[0] && word[1]; word += 2) {
        char pair[3] = {word[0], word[1], 0};
        octets.data[octets.length++] = strtoul(pair, NULL, 16);
    }
    return octets;
}

static void ok(const void *data, size_t length)
{
    const unsigned char *octet = data;

    printf("ok %s", length ? "" : "-");
    while (length--)
        printf("%02x", *octet++);
    putchar('\n');
}

static void no(const char *reason)
{
    printf("no %s\n", reason);
}

/* Answers one question, with exactly one of ok() and no(). */
static void answer(int words, char **word);

static void answer_all(void)
{
    char *line = NULL;
    size_t capacity = 0;

    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    while (getline(&line, &capacity, stdin) > 0) {
        char *word[MAX_WORDS] = {0};
        int words = 0;
        char *next = strtok(line, " \n");

        while (next && words < MAX_WORDS) {
            word[words++] = next;
            next = strtok(NULL, " \n");
        }
        answer(words, word);
        fflush(stdout);
    }
}
