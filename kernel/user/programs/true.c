/* Nothing, with success; needs an argv[0]. */
int main(int argc, char **argv)
{
	return argc < 1 || !argv[0];
}
