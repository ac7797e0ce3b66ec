# The loops of the benchmark workload.
# Everything is hand-written assembly so that every instruction count is exact.
# Protocol with the client:
#   the guest sits in bench_loop; the client puts a breakpoint on bench_ready,
#   writes bench_cmd / bench_arg, continues; the guest runs the command and comes
#   back to bench_ready (bench_done is incremented first).
        .code64
        .section .text
        .globl bench_loop, bench_ready, compute, compute_loop, compute_end
        .globl ticks, tick, tick_end, never, never_far, memloop, spin, bulkmem, nop_page

        .balign 4096
bench_loop:
        movq    $0, bench_cmd
1:
bench_ready:
        nop                              # <- breakpoint here
        movq    bench_cmd, %rax
        movq    bench_arg, %rdi
        testq   %rax, %rax
        jz      9f
        cmpq    $11, %rax
        ja      9f
        leaq    cmd_table, %rcx
        call    *(%rcx,%rax,8)
        incq    bench_done
9:      movq    $0, bench_cmd
        jmp     1b

        # the loops live on their own page, away from bench_ready: QEMU single-steps
        # whole pages that hold a breakpoint
        .balign 4096
# 1: compute(rdi = n): 8 instructions per iteration (+4 fixed)
        .balign 64
compute:
        movq    %rdi, %rcx
        movl    $0x12345, %eax
        movl    $1, %edx
        .balign 16
compute_loop:
        addq    %rcx, %rax
        xorq    %rax, %rdx
        rolq    $7, %rdx
        leaq    3(%rax,%rdx), %rsi
        imulq   $33, %rsi, %r8
        subq    %r8, %rax
        decq    %rcx
        jnz     compute_loop
compute_end:
        movq    %rax, compute_result
        ret

# 2: ticks(rdi = n): call tick n times; 5 instructions per iteration
        .balign 64
ticks:
        call    tick
        decq    %rdi
        jnz     ticks
        ret
        .balign 64
tick:
        incq    counter                  # the write watchpoint target
tick_end:
        ret

        .balign 16
never:                                   # same page as the loops, never executed
        nop
        ret

# 3: memloop(rdi = n): 6 instructions per iteration, 1 load + 1 store on page hot_page
        .balign 64
memloop:
        leaq    hot_page, %rsi
        xorl    %eax, %eax
2:      movq    (%rsi), %rdx
        addq    %rdx, %rax
        incq    %rax
        movq    %rax, 8(%rsi)
        decq    %rdi
        jnz     2b
        ret

# 4: bulkmem(rdi = n): n times memset + memcpy of 64 KiB (rep stosq / rep movsq)
        .balign 64
bulkmem:
        movq    %rdi, %r8
        cld
3:      leaq    bulkbuf, %rdi
        movl    $8192, %ecx
        movq    %r8, %rax
        rep stosq
        leaq    bulkbuf, %rsi
        leaq    bulkbuf+0x20000, %rdi
        movl    $8192, %ecx
        rep movsq
        decq    %r8
        jnz     3b
        ret

# 5: spin until bench_stop != 0 (for interrupt latency); 4 instr / iteration
        .balign 64
spin:
        movq    $0, bench_stop
4:      incq    spin_count
        cmpq    $0, bench_stop
        je      4b
        ret

# 8: tickgap(rdi = n): tick once every ~1000 compute instructions (sparse hits)
        .balign 64
tickgap:
        pushq   %rbx
        movq    %rdi, %rbx
5:      movl    $124, %edi
        call    compute
        call    tick
        decq    %rbx
        jnz     5b
        popq    %rbx
        ret

# 9 to 11: the same on pages that are writable and executable, as all of kernel.S's pages from 4 MiB on
        .equ    rwx_page, 0x900000
        .equ    rwx_stack_top, 0x902000
        .equ    rwx_buffer, 0xa00000
        .balign 64
memloop_rwx:
        movl    $rwx_page, %esi
        xorl    %eax, %eax
6:      movq    (%rsi), %rdx
        addq    %rdx, %rax
        incq    %rax
        movq    %rax, 8(%rsi)
        decq    %rdi
        jnz     6b
        ret

# ticks with the stack and the counter there; 5 instructions per iteration
        .balign 64
ticks_rwx:
        movq    %rsp, %rdx
        movl    $rwx_stack_top, %esp
7:      call    tick_rwx
        decq    %rdi
        jnz     7b
        movq    %rdx, %rsp
        ret
        .balign 64
tick_rwx:
        incq    rwx_page+64
        ret

# n times memcpy of 64 KiB
        .balign 64
movsmem_rwx:
        movq    %rdi, %r8
        cld
8:      movl    $rwx_buffer, %esi
        movl    $rwx_buffer+0x20000, %edi
        movl    $8192, %ecx
        rep movsq
        decq    %r8
        jnz     8b
        ret

        .balign 4096
never_far:                               # own page, never executed
        nop
        ret
        .balign 4096

        .section .data
        .balign 4096
        .globl bench_cmd, bench_arg, bench_done, bench_stop, counter, compute_result
        .globl spin_count, hot_page, hot_never, cold_page, bulkbuf, cmd_table, syscount
bench_cmd:      .quad 0
bench_arg:      .quad 0
bench_done:     .quad 0
bench_stop:     .quad 0
compute_result: .quad 0
spin_count:     .quad 0
syscount:       .quad 0
        .balign 64
counter:        .quad 0
        .balign 64
cmd_table:      .quad 0, compute, ticks, memloop, bulkmem, spin, user_loop, user_syscalls, tickgap
                .quad   memloop_rwx, ticks_rwx, movsmem_rwx
        .balign 4096
hot_page:       .quad 1
                .quad 0
        .balign 2048
hot_never:      .quad 0
        .balign 4096
cold_page:      .quad 0
        .balign 4096
        .section .bss
        .balign 4096
bulkbuf:        .skip 0x200000
