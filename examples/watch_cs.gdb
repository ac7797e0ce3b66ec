# CS before and after the instruction that enters the first user program.
#   ringscope serve                                      in one terminal
#   gdb -batch -x examples/watch_cs.gdb VMLINUX          in another; serve prints where VMLINUX is
target remote 127.0.0.1:1234
break native_irq_return_iret
continue
printf "before: CS %#x SS %#x at %#lx\n", $cs, $ss, $rip
stepi
printf "after:  CS %#x SS %#x at %#lx\n", $cs, $ss, $rip
kill
