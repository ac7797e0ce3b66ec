/*
 * Who maps a page: counted, but not listed. Linux can also go from a page to the entries that map it
 * (mm/rmap.c: rmap_walk); here those who need that walk the tables, as Linux did until 2.5 (see vmscan.c).
 */
#include <linux/mm.h>

static int mm_counter(const struct page *page)
{
	if (page_test(page, PG_swapbacked))
		return page->mapping ? MM_SHMEMPAGES : MM_ANONPAGES;
	return MM_FILEPAGES;
}

/* Pages in memory. */
unsigned long get_mm_rss(const struct mm_struct *mm)
{
	return mm->rss_stat.count[MM_FILEPAGES] + mm->rss_stat.count[MM_ANONPAGES] +
	       mm->rss_stat.count[MM_SHMEMPAGES];
}

static void add_rmap(struct page *page, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	page->_mapcount++;
	mm->rss_stat.count[mm_counter(page)]++;
	mm->hiwater_rss = max(mm->hiwater_rss, get_mm_rss(mm));
}

/* A page of no file is about to be mapped in vma; the entry takes over the caller's reference. */
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma)
{
	page_set(page, PG_swapbacked);
	add_rmap(page, vma);
}

/* The same for a page that a file's cache holds too. */
void page_add_file_rmap(struct page *page, struct vm_area_struct *vma)
{
	add_rmap(page, vma);
}

/* An entry of vma that mapped the page is gone; its reference is still to be put. */
void page_remove_rmap(struct page *page, struct vm_area_struct *vma)
{
	BUG_ON(!page_mapcount(page));
	page->_mapcount--;
	vma->vm_mm->rss_stat.count[mm_counter(page)]--;
}
