/*
 * The log's rings (Linux: kernel/printk/printk_ringbuffer.c). There writers on all processors and in NMIs get by without
 * a lock, by compare-and-exchange on each state; here whoever writes has interrupts off, and an assignment does.
 */
#include <asm/irqflags.h>
#include <linux/string.h>
#include "printk_ringbuffer.h"

#define DATA_SIZE(ring)		(1UL << (ring)->size_bits)
#define DATA_INDEX(ring, lpos)	((lpos) & (DATA_SIZE(ring) - 1))
#define DATA_WRAPS(ring, lpos)	((lpos) >> (ring)->size_bits)

static struct prb_desc *to_desc(struct prb_desc_ring *ring, unsigned long id)
{
	return &ring->descs[id & ((1UL << ring->count_bits) - 1)];
}

static struct printk_info *to_info(struct prb_desc_ring *ring, unsigned long id)
{
	return &ring->infos[id & ((1UL << ring->count_bits) - 1)];
}

static void set_state(struct prb_desc *desc, unsigned long id, enum desc_state state)
{
	desc->state_var.counter = DESC_SV(id, state);
}

/* Where a block that begins at lpos ends: not here, but behind the ring's start, if it does not fit in before. */
static unsigned long get_next_lpos(const struct prb_data_ring *ring, unsigned long lpos, unsigned int size)
{
	unsigned long next = lpos + size;

	if (DATA_WRAPS(ring, lpos) == DATA_WRAPS(ring, next))
		return next;
	return (DATA_WRAPS(ring, next) << ring->size_bits) + size;
}

static struct prb_data_block *to_block(const struct prb_data_ring *ring, const struct prb_data_blk_lpos *lpos)
{
	bool wrapped = DATA_WRAPS(ring, lpos->begin) != DATA_WRAPS(ring, lpos->next);

	return (struct prb_data_block *)&ring->data[wrapped ? 0 : DATA_INDEX(ring, lpos->begin)];
}

static unsigned int to_blk_size(unsigned int text_size)
{
	return ALIGN(sizeof(struct prb_data_block) + text_size, sizeof(unsigned long));
}

/* Give up the oldest record, and its block. */
static void desc_push_tail(struct printk_ringbuffer *rb)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long id = ring->tail_id.counter;
	struct prb_desc *desc = to_desc(ring, id);

	set_state(desc, id, desc_reusable);
	if (!(desc->text_blk_lpos.begin & 1))
		rb->text_data_ring.tail_lpos.counter = desc->text_blk_lpos.next;
	ring->tail_id.counter = (id + 1) & DESC_ID_MASK;
}

/* Give up records until the block from begin to next has room. */
static void data_push_tail(struct printk_ringbuffer *rb, unsigned long next)
{
	struct prb_data_ring *ring = &rb->text_data_ring;

	while (next - ring->tail_lpos.counter > DATA_SIZE(ring))
		desc_push_tail(rb);
}

static char *data_alloc(struct printk_ringbuffer *rb, unsigned int text_size, struct prb_desc *desc, unsigned long id)
{
	struct prb_data_ring *ring = &rb->text_data_ring;
	unsigned long begin = ring->head_lpos.counter;
	unsigned long next = get_next_lpos(ring, begin, to_blk_size(text_size));
	struct prb_data_block *block;

	data_push_tail(rb, next);
	ring->head_lpos.counter = next;
	desc->text_blk_lpos = (struct prb_data_blk_lpos) { begin, next };
	block = to_block(ring, &desc->text_blk_lpos);
	block->id = id;
	return block->data;
}

/* The newest block gets longer; if it reaches over the ring's end, it moves to the start. */
static char *data_realloc(struct printk_ringbuffer *rb, unsigned int text_size, struct prb_desc *desc)
{
	struct prb_data_ring *ring = &rb->text_data_ring;
	struct prb_data_blk_lpos *lpos = &desc->text_blk_lpos;
	struct prb_data_block *old = to_block(ring, lpos), *new;
	unsigned int old_size = (lpos->next - lpos->begin) & (DATA_SIZE(ring) - 1);

	if (old == (struct prb_data_block *)ring->data)
		old_size = DATA_INDEX(ring, lpos->next);
	lpos->next = get_next_lpos(ring, lpos->begin, to_blk_size(text_size));
	data_push_tail(rb, lpos->next);
	ring->head_lpos.counter = lpos->next;
	new = to_block(ring, lpos);
	if (new != old)
		memcpy(new, old, old_size);
	return new->data;
}

/* A new record for r->text_buf_size bytes; what its info says and where the text goes is for the caller to fill. */
void prb_reserve(struct prb_reserved_entry *e, struct printk_ringbuffer *rb, struct printk_record *r)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long last = ring->head_id.counter, id = (last + 1) & DESC_ID_MASK;
	struct prb_desc *desc = to_desc(ring, id);

	if (DESC_STATE(to_desc(ring, last)->state_var.counter) == desc_committed)
		set_state(to_desc(ring, last), last, desc_finalized);
	if (((id - ring->tail_id.counter) & DESC_ID_MASK) == 1UL << ring->count_bits)
		desc_push_tail(rb);
	ring->head_id.counter = id;
	set_state(desc, id, desc_reserved);
	r->text_buf = data_alloc(rb, r->text_buf_size, desc, id);
	r->info = to_info(ring, id);
	*r->info = (struct printk_info) { .seq = to_info(ring, last)->seq + 1 };
	*e = (struct prb_reserved_entry) { rb, id };
}

/* r->text_buf_size bytes more for the newest record, unless it is final or gets longer than max_size. */
bool prb_reserve_in_last(struct prb_reserved_entry *e, struct printk_ringbuffer *rb, struct printk_record *r,
			 unsigned int max_size)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long id = ring->head_id.counter;
	struct prb_desc *desc = to_desc(ring, id);
	struct printk_info *info = to_info(ring, id);

	if (DESC_STATE(desc->state_var.counter) != desc_committed || info->text_len + r->text_buf_size > max_size)
		return false;
	set_state(desc, id, desc_reserved);
	r->text_buf = data_realloc(rb, info->text_len + r->text_buf_size, desc);
	r->info = info;
	*e = (struct prb_reserved_entry) { rb, id };
	return true;
}

/* Written for now. */
void prb_commit(struct prb_reserved_entry *e)
{
	set_state(to_desc(&e->rb->desc_ring, e->id), e->id, desc_committed);
}

/* Written for ever. */
void prb_final_commit(struct prb_reserved_entry *e)
{
	set_state(to_desc(&e->rb->desc_ring, e->id), e->id, desc_finalized);
}

/* The first record that is not given up. */
u64 prb_first_valid_seq(struct printk_ringbuffer *rb)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long tail = ring->tail_id.counter;

	if (DESC_STATE(to_desc(ring, tail)->state_var.counter) == desc_reusable)
		return to_info(ring, tail)->seq + 1;
	return to_info(ring, tail)->seq;
}

/* Behind the last one that is final. */
u64 prb_next_seq(struct printk_ringbuffer *rb)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long head = ring->head_id.counter;
	enum desc_state state = DESC_STATE(to_desc(ring, head)->state_var.counter);

	return to_info(ring, head)->seq + (state == desc_finalized || state == desc_reusable);
}

/* Copy record seq, or the oldest behind it that is left, to where r's pointers say; false if there is none. */
bool prb_read_valid(struct printk_ringbuffer *rb, u64 seq, struct printk_record *r)
{
	struct prb_desc_ring *ring = &rb->desc_ring;
	unsigned long flags = local_irq_save(), head = ring->head_id.counter, id;
	bool found;

	seq = max(seq, prb_first_valid_seq(rb));
	found = seq < prb_next_seq(rb);
	if (found) {
		id = (head - (to_info(ring, head)->seq - seq)) & DESC_ID_MASK;
		*r->info = *to_info(ring, id);
		memcpy(r->text_buf, to_block(&rb->text_data_ring, &to_desc(ring, id)->text_blk_lpos)->data,
		       min(r->text_buf_size, (unsigned int)r->info->text_len));
	}
	local_irq_restore(flags);
	return found;
}
