/* kern/unroll.h - loops over registers: only when they are unrolled do arrays of vectors stay out of memory,
 * and shifts by the loop's counter become constants. */
#ifndef PLIMSOLL_KERN_UNROLL_H
#define PLIMSOLL_KERN_UNROLL_H

#if defined(__clang__)
#define UNROLL(n) _Pragma("unroll")
#else
#define UNROLL_(text) _Pragma(#text)
#define UNROLL(n)     UNROLL_(GCC unroll n)
#endif

#endif
