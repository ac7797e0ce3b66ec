/* INT3, vector 3: one of the gates that ring 3 may use, but with no debugger it kills. */
int main(void)
{
	asm volatile("int3");
	return 0;
}
