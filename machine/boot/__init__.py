"""Boot protocols: how an image gets into memory and in which state the processor enters it."""
