"""What firmware tells an operating system of the machine: ACPI and MultiProcessor tables."""
