#include <stdio.h>

int main(void)
{
    fputs("plimsoll: not built yet\n", stderr);
    return 3;
}
