/*
 * The page cache: the bytes of files, page by page. There is nothing behind it, since all files are in memory;
 * reading, writing and mapping a file meet in the same pages, as in Linux's mm/filemap.c and mm/truncate.c.
 */
#include <asm/page.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>

#define SLOT_BITS	9
#define SLOTS		(1UL << SLOT_BITS)
#define MAX_HEIGHT	3

/* Pages of all files. */
static unsigned long nr_pages;

unsigned long nr_file_pages(void)
{
	return nr_pages;
}

/* How many pages a tree of that height has room for. */
static unsigned long capacity(unsigned int height)
{
	return 1UL << height * SLOT_BITS;
}

/* Which slot of a node of that height leads to the page. */
static unsigned long slot_of(unsigned long index, unsigned int height)
{
	return index >> (height - 1) * SLOT_BITS & (SLOTS - 1);
}

/* The file's page, or NULL for a hole. */
void *filemap_get_page(const struct address_space *mapping, unsigned long index)
{
	unsigned int height = mapping->height;
	void *node = mapping->i_pages;

	if (index >= capacity(height))
		return NULL;
	for (; node && height; height--)
		node = ((void **)node)[slot_of(index, height)];
	return node;
}

/* Put the tree below new roots until it has room for index. */
static int grow(struct address_space *mapping, unsigned long index)
{
	while (index >= capacity(mapping->height)) {
		void **root;

		if (mapping->height == MAX_HEIGHT)
			return -EFBIG;
		if (mapping->i_pages) {
			root = get_zeroed_page();
			if (!root)
				return -ENOMEM;
			root[0] = mapping->i_pages;
			mapping->i_pages = root;
		}
		mapping->height++;
	}
	return 0;
}

/*
 * Files may have half of the memory, as each tmpfs of Linux's may unless it is mounted with size= (mm/shmem.c,
 * shmem_default_max_blocks): a program that fills a file gets -ENOSPC, before the others are out of memory.
 */
unsigned long max_file_pages(void)
{
	return totalram_pages() / 2;
}

/* A new page of zeros, which knows whose it is; its direct-map address or NULL. */
static void *add_to_page_cache(struct address_space *mapping, unsigned long index)
{
	struct page *page = nr_pages < max_file_pages() ? alloc_page(GFP_USER | __GFP_ZERO) : NULL;

	if (!page)
		return NULL;
	page->mapping = mapping;
	page->index = index;
	mapping->nrpages++;
	nr_pages++;
	return page_address(page);
}

/* Who has it mapped keeps the page, but it is the file's no more. */
static void delete_from_page_cache(struct address_space *mapping, void *address)
{
	virt_to_page(address)->mapping = NULL;
	mapping->nrpages--;
	nr_pages--;
	free_page(address);
}

/* The file's page, a page of zeros where it had a hole; NULL when memory, or what files may have of it, is out. */
void *filemap_grab_page(struct address_space *mapping, unsigned long index)
{
	void **slot = &mapping->i_pages;
	unsigned int height;

	if (grow(mapping, index))
		return NULL;
	for (height = mapping->height;; height--) {
		if (!*slot)
			*slot = height ? get_zeroed_page() : add_to_page_cache(mapping, index);
		if (!*slot || !height)
			return *slot;
		slot = (void **)*slot + slot_of(index, height);
	}
}

/* Free what a subtree, whose first page is number base, has from number first on; true if nothing is left. */
static bool free_subtree(struct address_space *mapping, void *node, unsigned int height, unsigned long base,
			 unsigned long first)
{
	bool empty = true;
	unsigned long i;

	if (!height) {
		if (base < first)
			return false;
		delete_from_page_cache(mapping, node);
		return true;
	}
	for (i = 0; i < SLOTS; i++) {
		void **slot = (void **)node + i;
		unsigned long at = base + (i << (height - 1) * SLOT_BITS);

		if (*slot && free_subtree(mapping, *slot, height - 1, at, first))
			*slot = NULL;
		empty = empty && !*slot;
	}
	if (empty)
		free_page(node);
	return empty;
}

/* The file has only size bytes from now on; what a page has behind them is zero when it grows again. */
void truncate_inode_pages(struct address_space *mapping, loff_t size)
{
	unsigned long first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	char *partial = offset_in_page(size) ? filemap_get_page(mapping, size >> PAGE_SHIFT) : NULL;

	if (partial)
		memset(partial + offset_in_page(size), 0, PAGE_SIZE - offset_in_page(size));
	if (!mapping->i_pages || !free_subtree(mapping, mapping->i_pages, mapping->height, 0, first))
		return;
	mapping->i_pages = NULL;
	mapping->height = 0;
}

/*
 * A page of a mapped file is touched: give it, with a reference. Behind the page that holds the file's last byte there
 * is nothing to map, though the area may be longer: SIGBUS, as where files have all that they may.
 */
static noinline vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	void *page;

	if ((loff_t)(vmf->pgoff << PAGE_SHIFT) >= inode->i_size)
		return VM_FAULT_SIGBUS;
	page = filemap_grab_page(&inode->i_data, vmf->pgoff);
	if (!page)
		return nr_pages < max_file_pages() ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(page);
	vmf->page->mapping = &inode->i_data;
	vmf->page->index = vmf->pgoff;
	get_page(vmf->page);
	return 0;
}

/* A page that is in the cache without further ado, with a reference, or NULL. */
static struct page *filemap_find(struct vm_area_struct *vma, unsigned long pgoff)
{
	struct inode *inode = file_inode(vma->vm_file);
	void *page = (loff_t)(pgoff << PAGE_SHIFT) < inode->i_size ? filemap_get_page(&inode->i_data, pgoff) : NULL;

	if (!page)
		return NULL;
	virt_to_page(page)->mapping = &inode->i_data;
	virt_to_page(page)->index = pgoff;
	get_page(virt_to_page(page));
	return virt_to_page(page);
}

static const struct vm_operations_struct generic_file_vm_ops = {
	.fault = filemap_fault,
	.map_page = filemap_find,
};

/* What mmap asks of a file whose bytes are in the page cache. */
int generic_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &generic_file_vm_ops;
	return 0;
}
