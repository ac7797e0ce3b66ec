/*
 * Small objects: pages cut into objects of one size. A page begins with its struct slab, so that the address
 * of an object tells which cache it came from.
 */
#include <asm/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>

struct kmem_cache {
	size_t object_size;
	void **freelist;		/* each free object starts with the address of the next */
	unsigned long active;
};

#define SLAB_MAGIC 0x51ab51abUL

struct slab {
	unsigned long magic;
	struct kmem_cache *cache;
} __aligned(64);

static struct kmem_cache kmalloc_caches[] = {
	{ .object_size = 32 }, { .object_size = 64 }, { .object_size = 128 }, { .object_size = 256 },
	{ .object_size = 512 }, { .object_size = 1024 }, { .object_size = PAGE_SIZE - sizeof(struct slab) },
};

static struct kmem_cache *kmalloc_cache(size_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kmalloc_caches); i++)
		if (size <= kmalloc_caches[i].object_size)
			return &kmalloc_caches[i];
	panic("kzalloc: %lu bytes are more than a slab object", size);
}

static void push_object(struct kmem_cache *cache, void *object)
{
	*(void **)object = cache->freelist;
	cache->freelist = object;
}

/* Cut one more page into objects; false when memory is out. */
static bool grow_cache(struct kmem_cache *cache)
{
	char *page = get_zeroed_page();
	unsigned long flags;
	size_t offset;

	if (!page)
		return false;
	*(struct slab *)page = (struct slab) { SLAB_MAGIC, cache };
	flags = local_irq_save();
	for (offset = sizeof(struct slab); offset + cache->object_size <= PAGE_SIZE;
	     offset += cache->object_size)
		push_object(cache, page + offset);
	local_irq_restore(flags);
	return true;
}

static void *pop_object(struct kmem_cache *cache)
{
	unsigned long flags = local_irq_save();
	void **object = cache->freelist;

	if (object) {
		cache->freelist = *object;
		cache->active++;
	}
	local_irq_restore(flags);
	return object;
}

/* Zeroed, 16-byte aligned, at most a page; NULL when memory is out. More than half a page is a page. */
void *kzalloc(size_t size)
{
	struct kmem_cache *cache;
	void *object;

	if (size > PAGE_SIZE / 2 && size <= PAGE_SIZE)
		return get_zeroed_page();
	cache = kmalloc_cache(size);
	object = pop_object(cache);
	while (!object && grow_cache(cache))
		object = pop_object(cache);
	return object ? memset(object, 0, size) : NULL;
}

void kfree(const void *object)
{
	struct slab *slab = (struct slab *)((unsigned long)object & PAGE_MASK);
	unsigned long flags;

	if (!object)
		return;
	if (slab == object) {
		free_page(slab);
		return;
	}
	if (slab->magic != SLAB_MAGIC)
		panic("kfree: %016lx is in no slab", (unsigned long)object);
	flags = local_irq_save();
	push_object(slab->cache, (void *)object);
	slab->cache->active--;
	local_irq_restore(flags);
}

char *kstrdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = kzalloc(size);

	return copy ? memcpy(copy, s, size) : NULL;
}
