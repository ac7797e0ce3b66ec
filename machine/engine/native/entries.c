/* The blob begins with the distances of its functions from its start; machinecode.py has the names in the same order. */
__asm__(
    ".section .text.entries, \"ax\"\n"
    "entries:\n"
    "   .long install - entries, enter - entries, withdraw - entries, block_entry - entries\n"
    "   .long tlb_fill - entries, unprotect_code - entries, check_exit_request_entry - entries\n"
    "   .long instructions_before - entries, rdtsc - entries, on_syscall - entries\n"
    "   .long on_in - entries, on_out - entries, on_exception - entries, interrupt - entries\n"
    "   .long rdtscp - entries, update_flags - entries, reset_dirty - entries\n"
    "   .long on_access - entries, update_cr0 - entries, update_cr3 - entries, update_cr4 - entries\n"
    "   .long lookup_and_jump - entries, forget_blocks - entries, forget_page - entries\n"
    "   .long on_breakpoint - entries\n"
    ".text\n");
