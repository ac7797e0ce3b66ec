/* Invalid opcode, vector 6. */
int main(void)
{
	asm volatile("ud2");
	return 0;
}
