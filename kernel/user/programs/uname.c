/* Which kernel this is. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct new_utsname name;
	long err = uname(&name);

	if (!err)
		printf("%s %s %s %s %s\n", name.sysname, name.nodename, name.release, name.version, name.machine);
	return err < 0;
}
