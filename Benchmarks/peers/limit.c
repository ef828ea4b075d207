// What the machine gives a program that only reads a file: each of N processes maps or reads its share and sums it as
// 64-bit words. Usage: limit FILE PROCESSES REPEATS; prints a line "mmap SECONDS", "pread SECONDS" for each repeat.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Small enough to stay in a core's cache between pread and sum.
enum { WINDOW = 512 << 10, MOST_PROCESSES = 256 };

static volatile uint64_t sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t sum(const uint64_t *words, size_t count) {
  uint64_t lanes[8] = {0}, total = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; lane++) lanes[lane] += words[i + (size_t)lane];
  for (; i < count; i++) total += words[i];
  for (int lane = 0; lane < 8; lane++) total += lanes[lane];
  return total;
}

static int readMapped(int file, size_t start, size_t end) {
  const char *base = mmap(NULL, end - start, PROT_READ, MAP_SHARED | MAP_POPULATE, file, (off_t)start);
  if (base == MAP_FAILED) return 1;
  sink = sum((const uint64_t *)base, (end - start) / 8);
  return munmap((void *)base, end - start);
}

static int readWindows(int file, size_t start, size_t end) {
  uint64_t *window = aligned_alloc(4096, WINDOW), total = 0;
  if (!window) return 1;
  while (start < end) {
    ssize_t got = pread(file, window, end - start < WINDOW ? end - start : WINDOW, (off_t)start);
    if (got <= 0) return 1;
    total += sum(window, (size_t)got / 8);
    start += (size_t)got;
  }
  sink = total;
  free(window);
  return 0;
}

static int child(const char *path, size_t size, int part, int parts, int mapped) {
  size_t share = size / (size_t)parts / WINDOW * WINDOW;
  size_t start = share * (size_t)part, end = part == parts - 1 ? size : start + share;
  int file = open(path, O_RDONLY);
  if (file < 0) return 1;
  if (start == end) return 0;
  return mapped ? readMapped(file, start, end) : readWindows(file, start, end);
}

// Seconds from the first open to the end of the last process.
static double measure(const char *path, size_t size, int parts, int mapped) {
  double start = now();
  for (int part = 0; part < parts; part++)
    if (fork() == 0) _exit(child(path, size, part, parts, mapped));
  for (int part = 0; part < parts; part++) {
    int status;
    if (wait(&status) < 0 || status != 0) exit(1);
  }
  return now() - start;
}

int main(int count, char **arguments) {
  struct stat status;
  if (count != 4 || stat(arguments[1], &status) != 0) return 64;
  int parts = atoi(arguments[2]), repeats = atoi(arguments[3]);
  if (parts < 1 || parts > MOST_PROCESSES) return 64;
  for (int repeat = 0; repeat < repeats; repeat++)
    for (int mapped = 0; mapped < 2; mapped++)
      printf("%s %.4f\n", mapped ? "mmap" : "pread", measure(arguments[1], (size_t)status.st_size, parts, mapped));
  return 0;
}
