/**
 * Loops that are worth vector instructions which not every processor has.
 *
 * A function marked LOPI_WIDE is compiled once for each of several instruction sets, from the same
 * source, and the widest one that the processor has is taken when the library is loaded. Each value
 * is rounded as the source says, whatever the width (products and sums are not contracted, see
 * cmake/flags.cmake): so all of them yield the same bits, and only loops whose iterations are
 * independent belong here, no sums. Where the compiler cannot do it, the mark means nothing.
 *
 * What such a function calls is to be LOPI_INLINE: it is compiled with its caller then.
 */
#ifndef LOPI_BASE_WIDE_H
#define LOPI_BASE_WIDE_H

#ifdef LOP_WIDE
#define LOPI_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LOPI_WIDE
#endif

/** A static function that becomes part of each of its callers. */
#ifdef __GNUC__
#define LOPI_INLINE inline __attribute__((always_inline))
#else
#define LOPI_INLINE inline
#endif

#endif
