/* INT $4: the overflow gate is open to ring 3. (INTO does not exist in 64-bit mode.) */
int main(void)
{
	asm volatile("int $4");
	return 0;
}
