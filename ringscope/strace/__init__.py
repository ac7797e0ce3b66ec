"""System calls of the guest's programs in words, seen from outside the guest: the table, the arguments, a summary."""
