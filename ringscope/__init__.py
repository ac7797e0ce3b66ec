"""The product: the command line, and the one place where machine, gdbstub and kernel meet."""
