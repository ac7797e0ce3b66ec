"""Agent expressions: gdb's byte code, evaluated at the target (gdb manual, "Agent Expressions")."""
