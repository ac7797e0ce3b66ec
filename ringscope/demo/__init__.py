"""`ringscope demo`: the first user program's birth, watched by stock gdb and checked claim by claim."""
