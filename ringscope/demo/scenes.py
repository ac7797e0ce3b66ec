"""The demo as a table: scene by scene what is told, what is typed to gdb, and what its answer must show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringscope.demo.claims import Claim
from ringscope.demo.facts import Facts
from ringscope.serve import gdb_word

EXEC_CALLS = (
    "start_thread",
    "load_elf_binary",
    "search_binary_handler",
    "exec_binprm",
    "bprm_execve",
    "do_execveat_common",
    "do_execve",
    "sys_execve",
    "system_call",
    "kernel_execve",
    "kernel_init",
)
WRITE_CALLS = ("do_syscall_64", "entry_SYSCALL_64", "write", "printf", "main")
HELPER_CALLS = ("kernel_execve", "call_usermodehelper_exec_async", "kernel_thread_starter")

# What of gdb's answers the claims look at.
FRAME_FUNCTION = r"^#\d+\s+(?:0x[0-9a-f]+ in )?(\w+)"
PRINTED = r"= (\S+)$"
STRING = r'"(.*)"$'
INSTRUCTION = r"^=> .*?:\s+(.*?)\s*$"
DESCRIPTOR = r"^(0x[0-9a-f]{16})  at"
WORD_IN_MEMORY = r":\s+(0x[0-9a-f]+)$"

RING = r'printf "CS %#x  SS %#x  CPL %d\n", $cs, $ss, $cpl()'


@dataclass(frozen=True)
class Command:
    """A line typed to gdb. `{name}` in it stands for what an earlier command taught.

    `claims` are judged on the answer, `serial` on what arrives on the serial console meanwhile. Only the first
    `lines` of the answer are printed, all if 0. `learn` is a name and the pattern whose group it stands for.
    """

    line: str
    claims: Sequence[Claim] = ()
    serial: Sequence[Claim] = ()
    lines: int = 0
    learn: tuple[str, str] | None = None


@dataclass(frozen=True)
class Scene:
    """A heading, a few sentences for a newcomer, and the commands."""

    title: str
    narration: str
    commands: Sequence[Command]


def scenes(facts: Facts, attach: Sequence[str]) -> tuple[Scene, ...]:
    """The whole play. `attach` are the commands that load symbols and scripts and connect."""
    return (
        _attach(attach),
        _kernel_execve(facts),
        _system_call(facts),
        _start_thread(facts),
        _iretq(facts),
        _behind_the_selectors(facts),
        _own_code_segment(facts),
        _helper(facts),
    )


def claims(play: Sequence[Scene]) -> Iterator[Claim]:
    """Every claim of a play, in its order."""
    for scene in play:
        for command in scene.commands:
            yield from command.claims
            yield from command.serial


def _stop_at(location: str, *seen: Claim) -> tuple[Command, Command]:
    """Run to a place; `seen` are claims on how gdb reports the stop."""
    return Command(f"tbreak {location}"), Command("continue", seen)


def _ring(when: str, cs: int, ss: int, cpl: int) -> Command:
    return Command(RING, [Claim(f"ring {when}", r"^(CS .*)$", f"CS {cs:#x} SS {ss:#x} CPL {cpl}")])


def _words(*names: str) -> str:
    """The pattern of words in the table of `x86 frame`."""
    return r"[\s\S]*?".join(rf"^{name}\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)" for name in names)


def _attach(attach: Sequence[str]) -> Scene:
    return Scene(
        "Attach",
        "An emulated x86-64 PC, stopped before a small Linux-shaped kernel's first instruction, and a stock gdb. "
        "Beneath each command stands gdb's answer; coloured values are checked with the kernel's tables and ELF files.",
        list(map(Command, attach)),
    )


def _kernel_execve(facts: Facts) -> Scene:
    cs, ss = facts.selector("__KERNEL_CS"), facts.selector("__KERNEL_DS")
    return Scene(
        "Ring 0: the kernel asks itself for a program",
        "The kernel's first thread wants to become /sbin/init. It asks as a program would: number and path in "
        "registers, then int $0x80. It does so in ring 0: the low two bits of CS say so.",
        [
            *_stop_at("kernel_execve_int80"),
            Command("x/i $rip", [Claim("kernel_execve: the instruction ahead", INSTRUCTION, "int $0x80")]),
            Command("print $eax", [Claim("EAX, the number of execve", PRINTED, f"{facts.execve:#x}")]),
            Command("x/s $rbx", [Claim("RBX, the path", STRING, "/sbin/init")]),
            _ring("before int $0x80", cs, ss, 0),
        ],
    )


def _system_call(facts: Facts) -> Scene:
    cs, ss = facts.selector("__KERNEL_CS"), facts.selector("__KERNEL_DS")
    pushed = f"{facts.int80 + facts.int80_length:#x} {cs:#x} {ss:#x}"
    return Scene(
        "Through the gate",
        "The processor pushed five words for the way back: where it was, and in which ring. They say ring 0.",
        [
            *_stop_at("system_call"),
            Command("x86 frame", [Claim("the gate pushed RIP, CS, SS", _words("rip", "cs", "ss"), pushed)]),
        ],
    )


def _start_thread(facts: Facts) -> Scene:
    entry = f"{facts.init.entry:#x}"
    before, after = (f"{facts.selector(name):#x}" for name in ("__KERNEL_CS", "__USER_CS"))
    backtrace = [
        Claim("backtrace through the exec path", FRAME_FUNCTION, EXEC_CALLS),
        Claim("do_execve's argument filename", r' do_execve \(filename=0x[0-9a-f]+ "(.*?)"', "/sbin/init"),
        Claim("start_thread's argument new_ip", r" start_thread \(.*new_ip=(0x[0-9a-f]+)", entry),
    ]
    regs = Claim("pt_regs: orig_ax, cs", r"orig_ax = (\w+),.* cs = (\w+)", f"{facts.execve:#x} {before}")
    written = Claim("start_thread writes regs->cs", r"^Old value = (\S+)\s+^New value = (\S+)", f"{before} {after}")
    ip = Claim("regs->ip, the ELF entry", r"(0x[0-9a-f]+) <(\w+)>", f"{entry} {facts.init.entry_symbol}")
    return Scene(
        "Down to start_thread",
        "With the other registers pushed too, that is struct pt_regs. Many calls deeper the program is loaded, and "
        "start_thread changes the saved registers: a watchpoint catches the line.",
        [
            *_stop_at("start_thread"),
            Command("backtrace", backtrace),
            Command("print *regs", [regs]),
            Command("watch -location regs->cs"),
            Command("continue", [written]),
            Command("delete"),
            Command(f"add-symbol-file {gdb_word(facts.init.path)}"),
            Command("print (void *)regs->ip", [ip]),
        ],
    )


def _iretq(facts: Facts) -> Scene:
    entry = facts.init.entry
    cs, ss = facts.selector("__USER_CS"), facts.selector("__USER_DS")
    frame = Claim(
        "the iretq will pop RIP, CS, RFLAGS, SS",
        _words("rip", "cs", "rflags", "ss"),
        f"{entry:#x} {cs:#x} {facts.user_flags:#x} {ss:#x}",
    )
    popped = [
        Claim("RIP after it, the ELF entry", r"^rip\s+(\S+)", f"{entry:#x}"),
        Claim("RSP after it, the word popped", r"^rsp\s+(\S+)", "{rsp}"),
    ]
    return Scene(
        "One instruction from ring 0 to ring 3",
        "The system call's last instruction pops the five words, now changed. One stepi, and the processor runs "
        "/sbin/init.",
        [
            *_stop_at("native_irq_return_iret"),
            Command("x86 frame", [frame], learn=("rsp", _words("rsp"))),
            _ring("before the iretq", facts.selector("__KERNEL_CS"), facts.selector("__KERNEL_DS"), 0),
            Command("stepi"),
            _ring("after the iretq", cs, ss, 3),
            Command("info registers rip rsp", popped),
        ],
    )


def _behind_the_selectors(facts: Facts) -> Scene:
    code, data = (f"{facts.descriptor(name):#x}" for name in ("__USER_CS", "__USER_DS"))
    word = f"{facts.init.first_word:#x}"
    walk = [
        Claim("rights of RIP's page, as in ELF file", r"rights (\S+ \w+)$", f"{facts.init.rights} user"),
        Claim("ring 3 may write, execute there", r"^3\s+write\s+(\w+)[\s\S]*^3\s+execute\s+(\w+)", "no yes"),
    ]
    return Scene(
        "What stands behind the new CS, SS and RIP",
        "A selector is an index into the GDT, an address one into the page tables. Where the walk ends in physical "
        "memory, the kernel's own map of it shows the program's first bytes.",
        [
            Command("x86 selector $cs", [Claim("descriptor of CS: 64-bit code of ring 3", DESCRIPTOR, code)], lines=2),
            Command("x86 selector $ss", [Claim("descriptor of SS: data of ring 3", DESCRIPTOR, data)], lines=2),
            Command("x86 walk $rip", walk, learn=("physical", r"^physical (0x[0-9a-f]+)")),
            Command("x/xg $rip", [Claim("bytes at RIP, as in the ELF file", WORD_IN_MEMORY, word)]),
            Command(
                f"x/xg {facts.direct_map:#x} + {{physical}}",
                [Claim("bytes at the physical address", WORD_IN_MEMORY, word)],
            ),
        ],
    )


def _own_code_segment(facts: Facts) -> Scene:
    cs = f"{facts.selector('__USER_CS'):#x}"
    line = f"ucs = {cs}"
    backtrace = [
        Claim("backtrace from kernel to user", FRAME_FUNCTION, WRITE_CALLS),
        Claim("what it writes", r' write \(.*buf=0x[0-9a-f]+ "(.*?)"', f"{line}\\n"),
    ]
    return Scene(
        "The program sees it too",
        "/sbin/init reads CS and prints it by write, the modern way into the kernel: syscall, entry_SYSCALL_64, "
        "do_syscall_64. The backtrace goes from the kernel into the program.",
        [
            Command("tbreak code_segment"),
            Command("continue"),
            Command("finish", [Claim("the program reads its own CS", r"^Value returned is \S+ = (0x[0-9a-f]+)", cs)]),
            *_stop_at(
                f"do_syscall_64 if nr == {facts.write} && regs->di == 1",
                Claim("its system call, write", r"\bnr=(0x[0-9a-f]+)", f"{facts.write:#x}"),
            ),
            Command("backtrace", backtrace),
            Command("finish", lines=1, serial=[Claim("on the serial console", r"^(ucs = .*)$", line)]),
        ],
    )


def _helper(facts: Facts) -> Scene:
    cs = f"{facts.selector('__USER_CS'):#x}"
    line = f"helper: ucs = {cs}"
    path = Claim("call_usermodehelper asks for", r'filename=0x[0-9a-f]+ (?:<\w+> )?"(.*?)"', "/sbin/helper")
    return Scene(
        "The same for a program that the kernel starts by itself",
        "init wakes a driver, which calls call_usermodehelper: a new kernel thread takes the same road to ring 3. "
        "Without a terminal, its program writes to /dev/kmsg, and the line arrives in the kernel log.",
        [
            *_stop_at("kernel_execve_int80", path),
            Command("backtrace", [Claim("backtrace of the kernel thread", FRAME_FUNCTION, HELPER_CALLS)]),
            _ring("of the kernel thread", facts.selector("__KERNEL_CS"), facts.selector("__KERNEL_DS"), 0),
            *_stop_at(f"do_syscall_64 if nr == {facts.write}"),
            Command("print regs->cs", [Claim("CS of its program", PRINTED, cs)]),
            Command("print $end = prb->text_data_ring.head_lpos.counter & 0x7fff"),
            Command("finish", lines=1, serial=[Claim("on the serial console", r"\] (helper: .*)$", line)]),
            Command("x/s &prb->text_data_ring.data[$end + 8]", [Claim("in the kernel log", r'"(helper: .*?)"', line)]),
        ],
    )
