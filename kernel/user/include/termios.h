#ifndef _TERMIOS_H
#define _TERMIOS_H

#include <linux/termios.h>

struct termios {
	unsigned int c_iflag, c_oflag, c_cflag, c_lflag;
	unsigned char c_line;
	unsigned char c_cc[NCCS];
};

#endif
