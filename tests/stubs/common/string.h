#ifndef STUB_STRING_H
#define STUB_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
char *strstr(const char *text, const char *part);
char *strchr(const char *text, int c);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
#endif
