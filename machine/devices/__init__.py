"""The PC's devices, one small file each."""
