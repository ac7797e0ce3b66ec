"""The emulated PC: processor, memory, devices, clock. It knows no debugger and no guest."""
