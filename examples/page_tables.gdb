# The same physical page through two addresses: the user's, and the kernel's map of all memory. First the walk as a
# table, then by hand, in gdb's own language.
#   ringscope debug -ex 'source examples/page_tables.gdb'
set confirm off
set pagination off
set $direct_map = 0xffff888000000000
set $frame = 0x000ffffffffff000
break do_syscall_64
continue

set $user = regs->ip
x86 walk $user

set $pgd = ((unsigned long *) ($direct_map + ((unsigned long) $cr3 & $frame)))[$user >> 39 & 511]
set $pud = ((unsigned long *) ($direct_map + ($pgd & $frame)))[$user >> 30 & 511]
set $pmd = ((unsigned long *) ($direct_map + ($pud & $frame)))[$user >> 21 & 511]
set $pte = ((unsigned long *) ($direct_map + ($pmd & $frame)))[$user >> 12 & 511]
x86 pte $pte
set $physical = ($pte & $frame) + ($user & 4095)
printf "user %#lx is physical %#lx\n", $user, $physical

x/xg $user
x/xg $direct_map + $physical
x86 walk $direct_map+$physical
kill
quit
