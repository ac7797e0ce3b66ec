/*
 * LZ4: runs of literal bytes, each followed by a match, which is bytes that were there before. A token's high half
 * is the number of literals, its low half that of the match less 4; 15 goes on in further bytes until one is not 255.
 * (LZ4 block format; Linux: lib/decompress_unlz4.c, lib/lz4/lz4_decompress.c.) Distrusts every length.
 */
#include <linux/string.h>
#include "misc.h"

#define ARCHIVE_MAGICNUMBER	0x184c2102
#define RUN_MASK		15
#define MINMATCH		4

struct stream {
	const u8 *in, *in_end;
	u8 *out, *out_end;
};

static u32 get_unaligned_le32(const u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

static u8 next_byte(struct stream *s)
{
	if (s->in == s->in_end)
		error("LZ4-compressed data is cut off");
	return *s->in++;
}

static size_t length(struct stream *s, size_t n)
{
	u8 more = 255;

	if (n == RUN_MASK)
		for (; more == 255; n += more)
			more = next_byte(s);
	return n;
}

static void literals(struct stream *s, size_t n)
{
	if (n > (size_t)(s->in_end - s->in) || n > (size_t)(s->out_end - s->out))
		error("LZ4-compressed data is corrupt: too many literals");
	memcpy(s->out, s->in, n);
	s->in += n;
	s->out += n;
}

/* A match may reach into the bytes that it makes itself: byte for byte, upwards. */
static void match(struct stream *s, const u8 *start, size_t n)
{
	size_t offset = next_byte(s);
	const u8 *from;

	offset |= next_byte(s) << 8;
	n = length(s, n) + MINMATCH;
	if (!offset || offset > (size_t)(s->out - start) || n > (size_t)(s->out_end - s->out))
		error("LZ4-compressed data is corrupt: a match out of range");
	from = s->out - offset;
	asm volatile("rep movsb" : "+D"(s->out), "+S"(from), "+c"(n) : : "memory");
}

static void unlz4_block(struct stream *s)
{
	u8 *start = s->out;

	while (s->in < s->in_end) {
		u8 token = next_byte(s);

		literals(s, length(s, token >> 4));
		if (s->in < s->in_end)
			match(s, start, token & RUN_MASK);
	}
}

size_t unlz4(const u8 *in, size_t len, u8 *out, size_t size)
{
	struct stream s = { in + 8, in + len, out, out + size };

	if (len < 8 || get_unaligned_le32(in) != ARCHIVE_MAGICNUMBER)
		error("invalid header of LZ4-compressed data");
	if (get_unaligned_le32(in + 4) != len - 8)
		error("LZ4-compressed data is cut off");
	unlz4_block(&s);
	return s.out - out;
}
