/* What the boot has left: its words in the log, and the root file system. */
#include "usertests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char log[1 << 15];

/* Where a word is in the log from a place on, or NULL. */
static const char *said(const char *from, const char *word)
{
	for (; from && *from; from++)
		if (!strncmp(from, word, strlen(word)))
			return from;
	return NULL;
}

/* The log is a ring: after enough words of others the boot's are gone, and there is nothing to check. */
static int boot_log(void)
{
	long n = syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1);
	const char *place = said(log, "Linux version ");

	CHECK(n > 0);
	if (!place)
		return 0;
	place = said(place, "Unpacking initramfs...\n");
	place = said(place, "Freeing initrd memory: ");
	place = said(place, "Freeing unused kernel image (initmem) memory: ");
	CHECK(said(place, "as init process\n"));
	return 0;
}

/* Modes and devices are as the archive has them. */
static int rootfs(void)
{
	struct stat st;

	CHECK(stat("/sbin/init", &st) == 0 && (st.st_mode & 0170777) == 0100755);
	CHECK(stat("/etc/motd", &st) == 0 && (st.st_mode & 0170777) == 0100644);
	CHECK(stat("/dev/console", &st) == 0 && (st.st_mode & 0170000) == 0020000 && st.st_rdev == 0x501);
	return 0;
}

const struct test boot_tests[] = {
	{ "boot_log", boot_log },
	{ "rootfs", rootfs },
	{ NULL, NULL },
};
