"""The PC's firmware as 16-bit programs call it: a few bytes of code in the guest, answered by the host."""
