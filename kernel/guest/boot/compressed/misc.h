#ifndef BOOT_COMPRESSED_MISC_H
#define BOOT_COMPRESSED_MISC_H

#include <linux/compiler.h>
#include <linux/types.h>

/* misc.c */
extern const u8 input_data[], input_data_end[];

void *extract_kernel(void *rmode, u8 *output);
void error(const char *m) __noreturn;

/* console.c */
void console_init(void);
void __putstr(const char *s);

/* lz4.c: unpack a legacy frame of one block; the number of bytes, all of which fit. */
size_t unlz4(const u8 *in, size_t len, u8 *out, size_t size);

#endif
