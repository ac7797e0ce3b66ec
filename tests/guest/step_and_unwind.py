"""Run by gdb: step instruction by instruction and tell where a backtrace no longer reaches the expected function."""

import gdb


def functions():
    """The names of all frames, youngest first."""
    frame, found = gdb.newest_frame(), []
    while frame is not None:
        found.append(frame.name())
        frame = frame.older()
    return found


def step_until(last, expected, limit=400):
    """Step until the youngest frame is `last`; print a line for each frame list without `expected`, and a summary."""
    lost = 0
    for steps in range(limit):
        names = functions()
        if expected not in names:
            lost += 1
            print(f"lost at {gdb.newest_frame().pc():#x}: {names}")
        if names[0] == last:
            print(f"reached {last} after {steps} steps, {lost} lost")
            return
        gdb.execute("stepi", to_string=True)
    print(f"did not reach {last}: in {functions()}")
