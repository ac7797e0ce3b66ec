"""Page-table entries of every level, page size and paging mode (SDM 3A 4.3 to 4.5).

Entries are called by Linux's names (PGD PUD PMD PTE), Intel's stand beside them. A `frame` is an address
divided by the size of what it points to.
"""

from __future__ import annotations

from .bits import Layout

# fmt: off
_PRESENT = ("present", 0, 0, "entry is in use; all else is free when clear")
_RIGHTS = (
    ("writable",       1,  1, "writes allowed"),
    ("user",           2,  2, "ring 3 allowed"),
)
_CACHING = (
    ("write_through",  3,  3, "PWT: selects the memory type"),
    ("cache_disable",  4,  4, "PCD: selects the memory type"),
)
_ACCESSED = ("accessed", 5, 5, "used in a translation")
_DIRTY = ("dirty", 6, 6, "page was written")
_IGNORED = ("ignored", 6, 6, "where pages have the dirty bit")
_TABLE = ("large", 7, 7, "0: points to a table")
_LARGE = ("large", 7, 7, "1: maps a page")
_GLOBAL = ("global_page", 8, 8, "survives loads of CR3 (CR4.PGE)")
_SOFTWARE = ("software", 9, 11, "for the operating system")
_SOFTWARE_HIGH = ("software_high", 52, 58, "for the operating system")
_KEY = ("protection_key", 59, 62, "key (CR4.PKE, CR4.PKS)")
_NX = ("no_execute", 63, 63, "no instruction fetches (EFER.NXE)")
_ACCESS = (_PRESENT, *_RIGHTS, *_CACHING, _ACCESSED)

# 4-level and 5-level paging: SDM 3A tables 4-14 to 4-20, figure 4-11.
_NEXT = (
    ("software",       8, 11, "for the operating system"),
    ("frame",         12, 51, "physical address of the next table >> 12"),
    ("software_high", 52, 62, "for the operating system"),
    _NX,
)
PGD = Layout("PGD entry (PML4E or PML5E)", 64, *_ACCESS, _IGNORED, *_NEXT)
PUD = Layout("PUD entry (PDPTE)", 64, *_ACCESS, _IGNORED, _TABLE, *_NEXT)
PMD = Layout("PMD entry (PDE)", 64, *_ACCESS, _IGNORED, _TABLE, *_NEXT)
PUD_1G = Layout(
    "PUD entry of a 1 GiB page", 64, *_ACCESS, _DIRTY, _LARGE, _GLOBAL, _SOFTWARE,
    ("pat",           12, 12, "PAT: selects the memory type"),
    ("frame",         30, 51, "physical address of the page >> 30"),
    _SOFTWARE_HIGH, _KEY, _NX,
)
PMD_2M = Layout(
    "PMD entry of a 2 MiB page", 64, *_ACCESS, _DIRTY, _LARGE, _GLOBAL, _SOFTWARE,
    ("pat",           12, 12, "PAT: selects the memory type"),
    ("frame",         21, 51, "physical address of the page >> 21"),
    _SOFTWARE_HIGH, _KEY, _NX,
)
PTE = Layout(
    "PTE", 64, *_ACCESS, _DIRTY,
    ("pat",            7,  7, "PAT: selects the memory type"),
    _GLOBAL, _SOFTWARE,
    ("frame",         12, 51, "physical address of the page >> 12"),
    _SOFTWARE_HIGH, _KEY, _NX,
)

# PAE paging: SDM 3A tables 4-8 to 4-11, figure 4-7. Bits 62:52 are reserved.
PAE_PDPTE = Layout(
    "PAE PDPTE", 64, _PRESENT, *_CACHING,
    ("software",       9, 11, "for the operating system"),
    ("frame",         12, 51, "physical address of the page directory >> 12"),
)
PAE_PDE = Layout(
    "PAE PDE", 64, *_ACCESS, _IGNORED, _TABLE,
    ("software",       8, 11, "for the operating system"),
    ("frame",         12, 51, "physical address of the page table >> 12"),
    _NX,
)
PAE_PDE_2M = Layout(
    "PAE PDE of a 2 MiB page", 64, *_ACCESS, _DIRTY, _LARGE, _GLOBAL, _SOFTWARE,
    ("pat",           12, 12, "PAT: selects the memory type"),
    ("frame",         21, 51, "physical address of the page >> 21"),
    _NX,
)
PAE_PTE = Layout(
    "PAE PTE", 64, *_ACCESS, _DIRTY,
    ("pat",            7,  7, "PAT: selects the memory type"),
    _GLOBAL, _SOFTWARE,
    ("frame",         12, 51, "physical address of the page >> 12"),
    _NX,
)

# 32-bit paging: SDM 3A tables 4-4 to 4-6, figure 4-4.
PDE_32 = Layout(
    "32-bit PDE", 32, *_ACCESS, _IGNORED, _TABLE,
    ("software",       8, 11, "for the operating system"),
    ("frame",         12, 31, "physical address of the page table >> 12"),
)
PDE_32_4M = Layout(
    "32-bit PDE of a 4 MiB page", 32, *_ACCESS, _DIRTY, _LARGE, _GLOBAL, _SOFTWARE,
    ("pat",           12, 12, "PAT: selects the memory type"),
    ("frame",         22, 31, "physical address of the page >> 22"),
    ("frame",         13, 20, "physical address of the page >> 22 (PSE-36)"),
)
PTE_32 = Layout(
    "32-bit PTE", 32, *_ACCESS, _DIRTY,
    ("pat",            7,  7, "PAT: selects the memory type"),
    _GLOBAL, _SOFTWARE,
    ("frame",         12, 31, "physical address of the page >> 12"),
)
# fmt: on
