"""The machine code that counts guest progress: C source, its build, and the built blob."""
