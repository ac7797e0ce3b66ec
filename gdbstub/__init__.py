"""A GDB Remote Serial Protocol server for any target, and a client: knows no processor and no guest."""
