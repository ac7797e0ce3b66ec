"""Speed of the debugger's side and of the guest, beside QEMU's TCG in one run: `python -m benchmarks`."""
