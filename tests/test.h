/** What every cmocka test includes. */
#ifndef LOP_TEST_H
#define LOP_TEST_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
