"""The packets, one module a topic; each puts its rows into ``gdbstub.registry.TABLE`` when imported."""
