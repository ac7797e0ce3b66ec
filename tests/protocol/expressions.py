"""Agent expressions as tests write them, and what they print."""

from tests.protocol.toy import RAX

STORE = 0x1005  # mov [rdi], al, behind inc rax; the byte is at 0x2008
RAX_IS = "260000 22{:02x} 13 27"
BYTE_IS = "232008 17 22{:02x} 13 27"
UNREADABLE = "2210 19 27"


def expression(text):
    code = bytes.fromhex(text)
    return b"X%x,%s" % (len(code), code.hex().encode())


def printing(text, *arguments):
    """printf with registers as arguments, the first one pushed last."""
    pushed = "".join(f"26{number:04x}" for number in reversed(arguments))
    data = text.encode() + b"\0"
    return expression(f"{pushed} 2200 2200 34{len(arguments):02x}{len(data):04x}{data.hex()} 27")


def rax(target):
    return target.get(1, RAX)


def printed(replies):
    return b"".join(bytes.fromhex(reply[1:].decode()) for reply in replies if reply[:1] == b"O" and reply != b"OK")
