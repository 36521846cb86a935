/* Two threads write one number without agreeing. The thread sanitizer must say so: a build in which
 * it does not sees nothing of the library either. */
#include <omp.h>
#include <stdio.h>

int main(void)
{
    int sum = 0;
#pragma omp parallel for num_threads(2)
    for (int i = 0; i < 1000; i++)
        sum += i;
    printf("%d\n", sum);
    return 0;
}
