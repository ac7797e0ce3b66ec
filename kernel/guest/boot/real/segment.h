#ifndef BOOT_SEGMENT_H
#define BOOT_SEGMENT_H

/* Selectors with which the boot protocol enters 32-bit and 64-bit code; a task register that nothing uses. */
#define __BOOT_CS	0x10
#define __BOOT_DS	0x18
#define __BOOT_TSS	0x20

/* The protected-mode part of a bzImage, and the packed kernel in it. */
#define BOOT_LOAD_ADDR	0x100000
#define PAYLOAD_OFFSET	0x1000

/* loadflags */
#define LOADED_HIGH	0x01
#define CAN_USE_HEAP	0x80

/* xloadflags */
#define XLF_KERNEL_64	0x01

#endif
