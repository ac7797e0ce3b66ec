/* Write where nothing is mapped: page fault, vector 14, error code 6 (a write by ring 3 to an absent page). */
int main(void)
{
	*(volatile int *)0 = 1;
	return 0;
}
