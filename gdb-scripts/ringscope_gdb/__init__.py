"""The x86 commands for stock gdb: they read registers and memory through gdb and decode with machine.x86."""
