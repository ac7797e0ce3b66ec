/*
 * The root file system: a cpio archive in "newc" format, unpacked where it lies. Each member is a header of
 * hexadecimal fields, its name and its bytes, both padded to 4 (Linux: Documentation/driver-api/early-userspace).
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/pvh.h>
#include <linux/string.h>

#define CPIO_MAGIC	"070701"
#define CPIO_TRAILER	"TRAILER!!!"

struct cpio_header {
	char magic[6];
	char ino[8], mode[8], uid[8], gid[8], nlink[8], mtime[8], filesize[8];
	char maj[8], min[8], rmaj[8], rmin[8], namesize[8], chksum[8];
} __packed;

static int __init hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Value of an eight-digit field, or -1. */
static long __init field(const char digits[8])
{
	long value = 0;
	int i;

	for (i = 0; i < 8; i++) {
		int digit = hex_digit(digits[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static const char *__init unpack_member(const char *name, const struct cpio_header *header, const u8 *data,
					size_t size)
{
	dev_t rdev = MKDEV(field(header->rmaj), field(header->rmin));
	struct inode *inode;

	if (!strcmp(name, "."))
		return NULL;
	inode = ramfs_mknod(name, field(header->mode), rdev);
	if (IS_ERR(inode))
		return "cannot create member";
	if (S_ISREG(inode->i_mode)) {
		inode->i_data = data;
		inode->i_size = size;
	}
	return NULL;
}

/* What is wrong with the archive, or NULL. Distrusts every length: the archive comes from outside. */
static const char *__init unpack_to_rootfs(const u8 *start, const u8 *end)
{
	const u8 *p = start;

	while ((size_t)(end - p) >= sizeof(struct cpio_header)) {
		const struct cpio_header *header = (const struct cpio_header *)p;
		const char *name = (const char *)(header + 1);
		long namesize = field(header->namesize), filesize = field(header->filesize);
		const u8 *data, *next;
		const char *message;

		if (memcmp(header->magic, CPIO_MAGIC, sizeof(header->magic)))
			return "no cpio magic";
		if (namesize < 1 || filesize < 0)
			return "broken header";
		data = start + ALIGN((const u8 *)name - start + namesize, 4);
		next = start + ALIGN(data - start + filesize, 4);
		if (data > end || next > end || name[namesize - 1])
			return "member runs over the end";
		if (!strcmp(name, CPIO_TRAILER))
			return NULL;
		message = unpack_member(name, header, data, filesize);
		if (message)
			return message;
		p = next;
	}
	return "no trailer";
}

static int __init populate_rootfs(void)
{
	const char *message;

	if (!initrd_start)
		return 0;
	printk(KERN_INFO "Unpacking initramfs...\n");
	message = unpack_to_rootfs((const u8 *)initrd_start, (const u8 *)initrd_end);
	if (message)
		printk(KERN_EMERG "Initramfs unpacking failed: %s\n", message);
	return 0;
}
rootfs_initcall(populate_rootfs);
