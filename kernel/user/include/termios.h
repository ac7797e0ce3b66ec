#ifndef _TERMIOS_H
#define _TERMIOS_H

#include <sys/types.h>

enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSUSP = 10, NCCS = 19 };
enum { ICRNL = 0400, OPOST = 01, ISIG = 01, ICANON = 02, ECHO = 010, TOSTOP = 0400 };

struct termios {
	unsigned int c_iflag, c_oflag, c_cflag, c_lflag;
	unsigned char c_line;
	unsigned char c_cc[NCCS];
};

struct winsize {
	unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum {
	TCGETS = 0x5401, TCSETS = 0x5402, TIOCSCTTY = 0x540e, TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCNOTTY = 0x5422, TIOCGSID = 0x5429,
};

#endif
