/* One byte is read behind its block. The address sanitizer must say so. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    (void)argv;
    char *volatile block = calloc(16, 1); /* volatile: its size is not known below */
    int byte = block ? block[15 + argc] : 0;
    printf("%d\n", byte);
    free(block);
    return 0;
}
