/**
 * A record of what the program asks the system to keep: the calls of the table of files that change
 * something, in their order, each with what it changed. From it power.py makes the disks that a
 * power cut may leave.
 *
 * Every entry is a line of text; behind W stand the bytes. Files are told apart by their number
 * (inode), and a number that C or T says is a new file's.
 *
 *     C INODE PATH            a new file with that name
 *     T INODE                 a new file without a name
 *     W INODE OFFSET SIZE     written; SIZE bytes and a newline follow
 *     S INODE SIZE            truncated
 *     F INODE                 the file was synced
 *     D PATH                  the directory was synced
 *     L INODE PATH            that name was given to the file
 *     R PATH<tab>PATH         renamed
 *     U PATH                  the name was removed
 *     M PATH                  a directory was made
 *     K PATH                  the library said that what this file now holds is kept
 */
#ifndef LOP_TEST_RECORD_H
#define LOP_TEST_RECORD_H

/** From now on record to the file `path`. Before any thread is there; it ends with the program. */
void record_begin(const char *path);

/** The library said that `path` is written and kept. */
void record_kept(const char *path);

#endif
