"""What a processor does to enter a handler, in each of its modes; `machine.interrupts` chooses among them."""
