/* CLI needs CPL <= IOPL: in ring 3 it is a general protection fault, vector 13. */
int main(void)
{
	asm volatile("cli");
	return 0;
}
