"""How instructions run: Unicorn, the state it hides, and the native clock."""
