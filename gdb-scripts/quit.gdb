# For a machine that lives and ends with gdb: leaving and killing need no question, all else is still asked.
define hook-quit
  set confirm off
end
define hook-kill
  set confirm off
end
define hookpost-kill
  set confirm on
end
