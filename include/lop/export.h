/** Which functions a program that links lop may call: those marked LOP_API. */
#ifndef LOP_EXPORT_H
#define LOP_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define LOP_API                 __attribute__((visibility("default")))
#define LOP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define LOP_API
#define LOP_PRINTF(text, first)
#endif

#endif
