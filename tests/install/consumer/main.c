/* What a program that uses an installed lop looks like. */
#include <lop/lop.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    lop_machine machine;
    lop_machine_get(&machine);
    lop_error error = {0};
    lop_status status = lop_threads_set(1000000, &error);
    printf("%s: %s\n", lop_status_name(status), error.text);
    return status == LOP_E_RANGE && machine.cores > 0 && strlen(error.text) > 0 ? 0 : 1;
}
