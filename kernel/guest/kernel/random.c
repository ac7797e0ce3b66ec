/*
 * Randomness, which a machine whose runs can be repeated has none of: a generator with a seed. "randomize=SEED", or
 * "randomize=on" for the seed 1, makes addresses random too; "randomize=off", the default, leaves them where
 * examples show them, as "norandmaps" does with Linux.
 */
#include <asm/uaccess.h>
#include <linux/init.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static u64 state;
static bool randomize;

static int __init randomize_setup(char *str)
{
	randomize = strcmp(str, "off");
	state = strcmp(str, "on") ? simple_strtol(str, NULL) : 1;
	return 1;
}
__setup("randomize=", randomize_setup);

bool randomize_va_space(void)
{
	return randomize;
}

/* SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). */
noinline u64 get_random_u64(void)
{
	u64 z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void get_random_bytes(void *buf, size_t len)
{
	u8 *p = buf;
	u64 word;

	for (; len; len -= min(len, sizeof(word)), p += sizeof(word)) {
		word = get_random_u64();
		memcpy(p, &word, min(len, sizeof(word)));
	}
}

/* Where addresses are fixed, these bytes are too: two runs of a program have one stack. */
void get_at_random_bytes(void *buf, size_t len)
{
	static const char fixed[] = "ringscope's luck";

	if (randomize)
		get_random_bytes(buf, len);
	else
		memcpy(buf, fixed, min(len, sizeof(fixed) - 1));
}

#define GRND_MASK	7

long sys_getrandom(char __user *buf, size_t len, unsigned int flags)
{
	size_t done;
	u64 word;

	if (flags & ~GRND_MASK)
		return -EINVAL;
	len = min(len, (size_t)0x1ffffff);
	for (done = 0; done < len; done += min(len - done, sizeof(word))) {
		word = get_random_u64();
		if (copy_to_user(buf + done, &word, min(len - done, sizeof(word))))
			return done ? (long)done : -EFAULT;
	}
	return len;
}
