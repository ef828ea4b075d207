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

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

// Small enough to stay in a core's cache between pread and sum.
enum { WINDOW = 512 << 10, STRETCH = 2 << 20, MOST_PROCESSES = 256 };
// Bytes further on: CPUs stop to fetch ahead by themselves at the end of a page.
enum { AHEAD = 8192 };

static volatile uint64_t sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t sum(const uint64_t *words, size_t count) {
  uint64_t lanes[8] = {0}, total = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __builtin_prefetch((const char *)(words + i) + AHEAD, 0, 3);
    for (int lane = 0; lane < 8; lane++) lanes[lane] += words[i + (size_t)lane];
  }
  for (; i < count; i++) total += words[i];
  for (int lane = 0; lane < 8; lane++) total += lanes[lane];
  return total;
}

static int readMapped(int file, size_t start, size_t end) {
  char *base = mmap(NULL, end - start, PROT_READ, MAP_SHARED, file, (off_t)start);
  if (base == MAP_FAILED) return 1;
  uint64_t total = 0;
  for (size_t done = 0; done < end - start; done += STRETCH) {
    size_t part = end - start - done < STRETCH ? end - start - done : STRETCH;
    // All pages in one step, where the system can (Linux 5.14), and no more than their entries' caches hold.
    madvise(base + done, part, MADV_POPULATE_READ);
    total += sum((const uint64_t *)(base + done), part / 8);
  }
  sink = total;
  return 0;
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

// Seconds from before the first process to the last byte; what processes give back at their end does not count.
static double measure(const char *path, size_t size, int parts, int mapped) {
  static double *ends;
  if (!ends) ends = mmap(NULL, MOST_PROCESSES * sizeof *ends, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (ends == MAP_FAILED) exit(1);
  double start = now(), end = start;
  for (int part = 0; part < parts; part++)
    if (fork() == 0) {
      int failure = child(path, size, part, parts, mapped);
      ends[part] = now();
      _exit(failure);
    }
  for (int part = 0; part < parts; part++) {
    int status;
    if (wait(&status) < 0 || status != 0) exit(1);
  }
  for (int part = 0; part < parts; part++)
    if (ends[part] > end) end = ends[part];
  return end - start;
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
