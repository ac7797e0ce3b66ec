"""Tables of the x86-64 system structures: they decode, build and print, with no state and no imports."""
