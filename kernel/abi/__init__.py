"""What the guest's C, its assembly and Python agree on: system-call numbers and layout constants."""
