"""The guest: a small Linux-shaped x86-64 kernel, its user programs, and how they are built and described."""
