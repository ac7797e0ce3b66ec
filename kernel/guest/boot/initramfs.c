/*
 * The root file system: a cpio archive in "newc" format, unpacked into files and then given back to the kernel. Each
 * member is a header of hexadecimal fields, its name and its bytes, both padded to 4 (Linux:
 * Documentation/driver-api/early-userspace).
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/string.h>

#define CPIO_MAGIC	"070701"
#define CPIO_TRAILER	"TRAILER!!!"
#define MAX_LINKS	64

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

/* A file's bytes, or a symbolic link's text. */
static const char *__init fill(struct dentry *dentry, const u8 *data, size_t size)
{
	struct inode *inode = dentry->d_inode;
	struct file *file;
	ssize_t n;

	if (S_ISLNK(inode->i_mode)) {
		inode->i_link = size < PATH_MAX ? kzalloc(size + 1) : NULL;
		if (!inode->i_link)
			return "cannot create link";
		memcpy(inode->i_link, data, size);
		inode->i_size = size;
		return NULL;
	}
	if (!S_ISREG(inode->i_mode) || !size)
		return NULL;
	file = dentry_open(dget(dentry), O_WRONLY);
	n = IS_ERR(file) ? PTR_ERR(file) : kernel_write(file, data, size, 0);
	if (!IS_ERR(file))
		fput(file);
	return n == (ssize_t)size ? NULL : "no memory for member";
}

/* Of the members with one inode number and more than one name, the last has the bytes; the others are its links. */
static struct hard_link {
	long ino;
	struct dentry *dentry;
} links[MAX_LINKS] __initdata;

static struct dentry *__init first_name(long ino)
{
	int i;

	for (i = 0; i < MAX_LINKS; i++)
		if (links[i].dentry && links[i].ino == ino)
			return links[i].dentry;
	return NULL;
}

static void __init remember_name(long ino, struct dentry *dentry)
{
	int i;

	for (i = 0; i < MAX_LINKS; i++) {
		if (links[i].dentry)
			continue;
		links[i] = (struct hard_link) { ino, dget(dentry) };
		return;
	}
}

static void __init forget_names(void)
{
	int i;

	for (i = 0; i < MAX_LINKS; i++)
		dput(links[i].dentry);
}

static struct dentry *__init make_node(const char *name, const struct cpio_header *header)
{
	long ino = field(header->ino), nlink = field(header->nlink);
	umode_t mode = field(header->mode);
	struct dentry *first = nlink > 1 && S_ISREG(mode) ? first_name(ino) : NULL, *dentry;

	if (first)
		return ramfs_link(first, name);
	dentry = ramfs_mknod(name, mode, MKDEV(field(header->rmaj), field(header->rmin)));
	if (!IS_ERR(dentry) && nlink > 1 && S_ISREG(mode))
		remember_name(ino, dentry);
	return dentry;
}

static const char *__init unpack_member(const char *name, const struct cpio_header *header, const u8 *data,
					size_t size)
{
	struct timespec mtime = { field(header->mtime), 0 };
	struct dentry *dentry;
	const char *message;

	if (!strcmp(name, "."))
		return NULL;
	dentry = make_node(name, header);
	if (IS_ERR(dentry))
		return "cannot create member";
	message = fill(dentry, data, size);
	dentry->d_inode->i_uid = field(header->uid);
	dentry->d_inode->i_gid = field(header->gid);
	dentry->d_inode->i_mtime = mtime;
	dput(dentry);
	return message;
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
	forget_names();
	if (message)
		printk(KERN_EMERG "Initramfs unpacking failed: %s\n", message);
	free_reserved_area((void *)initrd_start, (void *)initrd_end, -1, "initrd");
	return 0;
}
rootfs_initcall(populate_rootfs);
