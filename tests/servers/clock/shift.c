/* A clock that is off: preloaded into a program, it shifts the time of day by CLOCK_SHIFT seconds. Clocks that measure
   how long something takes stay as they are.

     cc -shared -fPIC -o shift.so shift.c
     CLOCK_SHIFT=-600 LD_PRELOAD=./shift.so program */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int ended = real(clock, now);
    const char *shift = getenv("CLOCK_SHIFT");
    if (ended == 0 && clock == CLOCK_REALTIME && shift) now->tv_sec += atol(shift);
    return ended;
}
