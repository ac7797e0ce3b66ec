/* Numbers out of text. */
#include <stdlib.h>

long atol(const char *nptr)
{
	int negative = *nptr == '-';
	long value = 0;

	for (nptr += negative; *nptr >= '0' && *nptr <= '9'; nptr++)
		value = value * 10 + (*nptr - '0');
	return negative ? -value : value;
}
