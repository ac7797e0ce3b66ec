/* The date at boot, from the battery-backed clock (Motorola MC146818 data sheet; Linux: arch/x86/kernel/rtc.c). */
#include <asm/io.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/time.h>

enum {
	RTC_PORT_INDEX = 0x70,
	RTC_PORT_DATA = 0x71,
};

enum {
	RTC_SECONDS = 0,
	RTC_MINUTES = 2,
	RTC_HOURS = 4,
	RTC_DAY_OF_MONTH = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_REG_A = 10,
	RTC_UIP = 0x80,			/* an update is near: fields may change while they are read */
	RTC_REG_B = 11,
	RTC_DM_BINARY = 0x04,		/* fields are binary, not BCD */
	RTC_CENTURY = 0x32,
};

static u8 __init cmos_read(u8 address)
{
	outb(address, RTC_PORT_INDEX);
	return inb(RTC_PORT_DATA);
}

static unsigned int __init bcd2bin(u8 value)
{
	return (value >> 4) * 10 + (value & 0xf);
}

static unsigned int __init field(u8 address)
{
	u8 value = cmos_read(address);

	return cmos_read(RTC_REG_B) & RTC_DM_BINARY ? value : bcd2bin(value);
}

/* Days from 1970 to a date of the Gregorian calendar: years begin in March, so that a leap day ends one. */
static long __init days_since_epoch(unsigned int year, unsigned int month, unsigned int day)
{
	if (month < 3)
		year--;
	month = (month + 9) % 12;
	return year * 365L + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719468;
}

static long __init mach_get_cmos_time(void)
{
	long days;

	while (cmos_read(RTC_REG_A) & RTC_UIP)
		;
	days = days_since_epoch(field(RTC_CENTURY) * 100 + field(RTC_YEAR), field(RTC_MONTH), field(RTC_DAY_OF_MONTH));
	return ((days * 24 + field(RTC_HOURS)) * 60 + field(RTC_MINUTES)) * 60 + field(RTC_SECONDS);
}

void __init timekeeping_init(void)
{
	ktime_set_real(mach_get_cmos_time() * NSEC_PER_SEC);
}
