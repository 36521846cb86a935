/* What a program that uses the installed runtime by itself looks like. */
#include <lop/run.h>

#include <stdio.h>

int main(void)
{
    lop_error error = {0};
    lop_plan *plan = NULL;
    lop_status status = lop_plan_new(&plan, NULL, NULL, &error);
    printf("%s, %s: %s\n", lop_run_isa(0), lop_status_name(status), error.text);
    return status == LOP_E_ARG ? 0 : 1;
}
