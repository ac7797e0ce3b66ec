#ifndef _KERNEL_PRINTK_RINGBUFFER_H
#define _KERNEL_PRINTK_RINGBUFFER_H

#include <linux/kernel.h>

/*
 * The log's two rings, in the layout that Linux has had since 5.10, so that its lx-dmesg, crash and others read it.
 * Records have numbers, ids, that only grow: descriptor and info of record id are in slot id % count. Positions in
 * the texts, lpos, only grow too: byte lpos is at lpos % size.
 */

#define LOG_NEWLINE	2		/* printk_info.flags: the text ended with one, which is not kept */

struct printk_info {
	u64 seq;			/* records before it */
	u64 ts_nsec;			/* since boot */
	u16 text_len;
	u8 facility;			/* who wrote it: 0 the kernel, 1 a program */
	u8 flags:5;
	u8 level:3;
	u32 caller_id;			/* the task */
};

/* Where a record's block is; two odd numbers: it has none. */
struct prb_data_blk_lpos {
	unsigned long begin;
	unsigned long next;
};

/* A block: which record it belongs to, then the text. One that does not fit before the ring's end starts at 0. */
struct prb_data_block {
	unsigned long id;
	char data[];
};

struct prb_desc {
	atomic_long_t state_var;	/* the id, and in the two highest bits its state */
	struct prb_data_blk_lpos text_blk_lpos;
};

enum desc_state {
	desc_reserved,			/* being written */
	desc_committed,			/* whole, but KERN_CONT may go on with it */
	desc_finalized,
	desc_reusable,			/* given up, for a newer one */
};

struct prb_data_ring {
	unsigned int size_bits;
	char *data;
	atomic_long_t head_lpos;	/* where the next block goes */
	atomic_long_t tail_lpos;	/* the oldest block that is valid */
};

struct prb_desc_ring {
	unsigned int count_bits;
	struct prb_desc *descs;
	struct printk_info *infos;
	atomic_long_t head_id;		/* the newest */
	atomic_long_t tail_id;		/* the oldest */
};

struct printk_ringbuffer {
	struct prb_desc_ring desc_ring;
	struct prb_data_ring text_data_ring;
	atomic_long_t fail;		/* messages that were lost: none, as nothing is written from two sides */
};

/* A record as its writer or its reader has it. */
struct printk_record {
	struct printk_info *info;
	char *text_buf;
	unsigned int text_buf_size;
};

struct prb_reserved_entry {
	struct printk_ringbuffer *rb;
	unsigned long id;
};

#define DESC_FLAGS_SHIFT	(sizeof(unsigned long) * 8 - 2)
#define DESC_ID_MASK		(~(3UL << DESC_FLAGS_SHIFT))
#define DESC_SV(id, state)	((id) | (unsigned long)(state) << DESC_FLAGS_SHIFT)
#define DESC_STATE(sv)		((enum desc_state)((unsigned long)(sv) >> DESC_FLAGS_SHIFT))

/* Both rings begin one round before 0: a number that wraps is met at once, not after years. */
#define DESC0_ID(ct_bits)	(-(1UL << (ct_bits)) & DESC_ID_MASK)
#define BLK0_LPOS(sz_bits)	(-(1UL << (sz_bits)))

/* A ring of 2^descbits records and 2^(descbits + avgtextbits) bytes of text. It holds one record, already given up. */
#define DEFINE_PRINTKRB(name, descbits, avgtextbits)							\
	static char _##name##_data[1U << ((descbits) + (avgtextbits))] __aligned(8);			\
	static struct prb_desc _##name##_descs[1U << (descbits)] = {					\
		{ { DESC_SV(DESC0_ID(descbits), desc_reusable) }, { 1, 1 } },				\
	};												\
	static struct printk_info _##name##_infos[1U << (descbits)] = { { .seq = -1UL } };		\
	static struct printk_ringbuffer name = {							\
		.desc_ring = {										\
			.count_bits = descbits,								\
			.descs = _##name##_descs,							\
			.infos = _##name##_infos,							\
			.head_id = { DESC0_ID(descbits) },						\
			.tail_id = { DESC0_ID(descbits) },						\
		},											\
		.text_data_ring = {									\
			.size_bits = (descbits) + (avgtextbits),					\
			.data = _##name##_data,								\
			.head_lpos = { BLK0_LPOS((descbits) + (avgtextbits)) },				\
			.tail_lpos = { BLK0_LPOS((descbits) + (avgtextbits)) },				\
		},											\
	}

/* For writers, with interrupts off. */
void prb_reserve(struct prb_reserved_entry *e, struct printk_ringbuffer *rb, struct printk_record *r);
bool prb_reserve_in_last(struct prb_reserved_entry *e, struct printk_ringbuffer *rb, struct printk_record *r,
			 unsigned int max_size);
void prb_commit(struct prb_reserved_entry *e);
void prb_final_commit(struct prb_reserved_entry *e);

/* For readers. */
bool prb_read_valid(struct printk_ringbuffer *rb, u64 seq, struct printk_record *r);
u64 prb_first_valid_seq(struct printk_ringbuffer *rb);
u64 prb_next_seq(struct printk_ringbuffer *rb);

#endif
