/*
 * The disk on the primary ATA channel, by programmed I/O and without interrupts: the kernel asks, waits and moves
 * each word itself. Linux: drivers/ata/libata-sff.c, whose names these are.
 */
#include <asm/io.h>
#include <linux/blkdev.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>

/* Ports of the command block, and the control block (ATA-4, 7.1). */
enum {
	ATA_DATA = 0x1f0,
	ATA_NSECT = 0x1f2,
	ATA_LBAL = 0x1f3,
	ATA_LBAM = 0x1f4,
	ATA_LBAH = 0x1f5,
	ATA_DEVICE = 0x1f6,
	ATA_STATUS = 0x1f7,
	ATA_CMD = 0x1f7,
	ATA_CTL = 0x3f6,
};

enum { ATA_ERR = 0x01, ATA_DRQ = 0x08, ATA_DRDY = 0x40, ATA_BUSY = 0x80 };
enum { ATA_NIEN = 0x02 };
enum { ATA_LBA = 0x40, ATA_DEVICE_OBS = 0xa0 };
enum { ATA_CMD_PIO_READ = 0x20, ATA_CMD_PIO_WRITE = 0x30, ATA_CMD_ID_ATA = 0xec };

#define ATA_ID_PROD		27	/* words of IDENTIFY DEVICE: the model's name, */
#define ATA_ID_PROD_LEN		40
#define ATA_ID_LBA_CAPACITY	60	/* and the number of sectors */
#define ATA_WORDS		256
#define ATA_SECT_SIZE		512

static struct block_device sda = { .bd_name = "sda" };

/* Wait until the disk is not busy: its status. */
static u8 ata_sff_wait_ready(void)
{
	u8 status;

	while ((status = inb(ATA_STATUS)) & ATA_BUSY)
		;
	return status;
}

static void ata_exec_command(unsigned long sector, unsigned int count, u8 command)
{
	ata_sff_wait_ready();
	outb(ATA_DEVICE_OBS | ATA_LBA | (sector >> 24 & 0xf), ATA_DEVICE);
	outb(count, ATA_NSECT);
	outb(sector, ATA_LBAL);
	outb(sector >> 8, ATA_LBAM);
	outb(sector >> 16, ATA_LBAH);
	outb(command, ATA_CMD);
}

/* Move one sector's words, when the disk is ready for them. */
static int ata_pio_sector(void *buf, bool write)
{
	unsigned long words = ATA_SECT_SIZE / sizeof(u32);

	if ((ata_sff_wait_ready() & (ATA_DRQ | ATA_ERR)) != ATA_DRQ)
		return -EIO;
	if (write)
		asm volatile("rep outsl" : "+S"(buf), "+c"(words) : "d"(ATA_DATA) : "memory");
	else
		asm volatile("rep insl" : "+D"(buf), "+c"(words) : "d"(ATA_DATA) : "memory");
	return 0;
}

static noinline int ata_rw_sectors(unsigned long sector, void *buf, unsigned int count, bool write)
{
	int err = 0;

	if (sector + count > sda.bd_nr_sectors)
		return -EIO;
	ata_exec_command(sector, count, write ? ATA_CMD_PIO_WRITE : ATA_CMD_PIO_READ);
	for (; count && !err; count--, buf = (char *)buf + ATA_SECT_SIZE)
		err = ata_pio_sector(buf, write);
	return !err && ata_sff_wait_ready() & ATA_ERR ? -EIO : err;
}

/* The model's name: two characters a word, the first one in the upper half; blanks at the end cut off. */
static void ata_id_c_string(const u16 *id, char *name)
{
	int i = ATA_ID_PROD_LEN;

	for (name[i] = '\0'; i--;)
		name[i] = id[ATA_ID_PROD + i / 2] >> (i % 2 ? 0 : 8);
	for (i = ATA_ID_PROD_LEN; i && name[i - 1] == ' '; i--)
		name[i - 1] = '\0';
}

/* A channel without a disk reads all ones, or zeros. */
static noinline int ata_dev_read_id(u16 *id)
{
	u8 status;

	outb(ATA_DEVICE_OBS, ATA_DEVICE);
	status = inb(ATA_STATUS);
	if (status == 0xff || !(status & ATA_DRDY))
		return -ENODEV;
	outb(ATA_NIEN, ATA_CTL);
	ata_exec_command(0, 0, ATA_CMD_ID_ATA);
	return ata_pio_sector(id, false);
}

/* Looks for the disk when it is first asked for: who does not need it, does not wait for it. */
struct block_device *ata_disk(void)
{
	u16 id[ATA_WORDS];
	char name[ATA_ID_PROD_LEN + 1];

	if (!sda.bd_nr_sectors && !ata_dev_read_id(id)) {
		sda.bd_nr_sectors = id[ATA_ID_LBA_CAPACITY] | (unsigned long)id[ATA_ID_LBA_CAPACITY + 1] << 16;
		sda.rw_sectors = ata_rw_sectors;
		ata_id_c_string(id, name);
		printk(KERN_INFO "ata1.00: %s, %lu sectors\n", name, sda.bd_nr_sectors);
	}
	return sda.bd_nr_sectors ? &sda : NULL;
}
