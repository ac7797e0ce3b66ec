#ifndef _UAPI_LINUX_TERMIOS_H
#define _UAPI_LINUX_TERMIOS_H

/* Of terminals (Linux: include/uapi/asm-generic/termbits.h, ioctls.h, termios.h). */
enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE,
       VLNEXT, VEOL2, NCCS = 19 };

struct winsize {
	unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

/* c_iflag: what becomes of bytes that come in. */
enum { ISTRIP = 0040, INLCR = 0100, IGNCR = 0200, ICRNL = 0400, IXON = 02000, IXANY = 04000 };

/* c_oflag: and of those that go out. */
enum { OPOST = 01, ONLCR = 04, OCRNL = 010 };

/* c_cflag: the line. */
enum { B115200 = 0010002, CS8 = 060, CREAD = 0200, HUPCL = 02000 };

/* c_lflag: editing, echo and signals. */
enum { ISIG = 01, ICANON = 02, ECHO = 010, ECHOE = 020, ECHOK = 040, ECHONL = 0100, NOFLSH = 0200, TOSTOP = 0400,
       ECHOCTL = 01000, ECHOKE = 04000, IEXTEN = 0100000 };

enum {
	TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCSBRK = 0x5409, TCXONC = 0x540a,
	TCFLSH = 0x540b, TIOCSCTTY = 0x540e, TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCOUTQ = 0x5411,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCINQ = 0x541b, TIOCNOTTY = 0x5422, TCSBRKP = 0x5425,
	TIOCGSERIAL = 0x541e, TIOCGSID = 0x5429,
};

enum { TCOOFF, TCOON };
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

#endif
