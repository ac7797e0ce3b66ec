"""Where the machine's serial ports lead on the host: terminal, sockets, files.

The machine runs and is looked at from one thread; nothing here waits for a peer.
"""
