"""Tracepoints: what they collect while the target runs, and how a client looks at it (gdb manual, "Tracepoints")."""
