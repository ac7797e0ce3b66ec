/* Divide error, vector 0. */
int main(void)
{
	asm volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
	return 0;
}
