/* Results of instructions that CPUID offers, against their definitions and against bits that hardware gives. */
#include "check.h"

#include <string.h>

#define WITH(features) __attribute__((target(features)))

#include <immintrin.h>

enum { INVALID = 1, DENORMAL = 2, DIVIDE_BY_ZERO = 4, OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 }; /* of MXCSR, FSW */
enum { MXCSR = 0x1f80, FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40, ROUND_SHIFT = 13 };

static const char DIGITS[] = "123456789";

WITH("crc32") void check_crc32_instruction(void)
{
    uint32_t bytes = ~0u;
    uint64_t words = ~0u;

    for (size_t i = 0; i < 9; i++)
        bytes = _mm_crc32_u8(bytes, DIGITS[i]);
    expect_equal("the CRC-32C of nine digits", ~bytes, 0xe3069283);
    uint64_t word;
    memcpy(&word, DIGITS, sizeof word);
    words = _mm_crc32_u64(words, word);
    expect_equal("the same by eight bytes and one", ~_mm_crc32_u8(words, '9'), 0xe3069283);
}

/* FIPS 197, appendix B: the first round. */
WITH("aes,sse4.1") void check_aes_instructions(void)
{
    static const uint8_t START[16] = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
                                      0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08};
    static const uint8_t KEY[16] = {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1,
                                    0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05};
    static const uint8_t AFTER[16] = {0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b,
                                      0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49};
    __m128i key = _mm_loadu_si128((const __m128i *)KEY), state = _mm_loadu_si128((const __m128i *)START);
    uint8_t got[16];

    _mm_storeu_si128((__m128i *)got, _mm_aesenc_si128(state, key));
    expect(memcmp(got, AFTER, sizeof got) == 0, "a round gives %02x %02x ...", got[0], got[1]);
    /* aesdec(aesenclast) is the inverse without the mixing of columns */
    __m128i round = _mm_aesenclast_si128(state, _mm_setzero_si128());
    _mm_storeu_si128((__m128i *)got, _mm_aesdeclast_si128(round, _mm_setzero_si128()));
    expect(memcmp(got, START, sizeof got) == 0, "the inverse gives %02x %02x ...", got[0], got[1]);
}

WITH("pclmul,sse4.1") void check_carry_less_multiplication(void)
{
    const uint64_t a = 0x8123456789abcdef, b = 0xfedcba9876543211;
    uint64_t low = 0, high = 0;

    for (int bit = 0; bit < 64; bit++)
        if (b >> bit & 1) {
            low ^= a << bit;
            high ^= bit ? a >> (64 - bit) : 0;
        }
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(a, 0), _mm_set_epi64x(0, b), 0x01);
    expect_equal("the low half", _mm_extract_epi64(product, 0), low);
    expect_equal("the high half", _mm_extract_epi64(product, 1), high);
}

WITH("sse4.2") void check_string_comparison(void)
{
    __m128i text = _mm_loadu_si128((const __m128i *)"abcdefgh;jklmno"), set = _mm_loadu_si128((const __m128i *)";,.\0............");

    expect_equal("the first of a set", _mm_cmpistri(set, text, _SIDD_CMP_EQUAL_ANY), 8);
    expect_equal("whether any is", _mm_cmpistrc(set, text, _SIDD_CMP_EQUAL_ANY), 1);
    __m128i needle = _mm_loadu_si128((const __m128i *)"jkl\0............");
    expect_equal("a needle", _mm_cmpistri(needle, text, _SIDD_CMP_EQUAL_ORDERED), 9);
    expect_equal("another", _mm_cmpistri(needle, set, _SIDD_CMP_EQUAL_ORDERED), 16);
}

WITH("ssse3,sse4.1") void check_shuffles(void)
{
    __m128i bytes = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i reverse = _mm_shuffle_epi8(bytes, _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, -1, 0));

    expect_equal("byte 0", _mm_extract_epi8(reverse, 0), 15);
    expect_equal("a byte that is cleared", _mm_extract_epi8(reverse, 14), 0);
    expect_equal("a dot product", _mm_cvtss_f32(_mm_dp_ps(_mm_setr_ps(1, 2, 3, 4), _mm_setr_ps(5, 6, 7, 8), 0xf1)), 70);
    expect_equal("the least word's place", _mm_extract_epi16(_mm_minpos_epu16(_mm_setr_epi16(9, 8, 7, 3, 5, 6, 4, 3)), 1), 3);
}

WITH("popcnt,movbe") void check_bit_instructions(void)
{
    uint64_t value = 0x1122334455667788, swapped, zero = 0, kept = 77;
    bool is_zero;

    expect_equal("POPCNT", _mm_popcnt_u64(value), 26);
    __asm__("movbeq %1, %0" : "=r"(swapped) : "m"(value));
    expect_equal("MOVBE", swapped, 0x8877665544332211);
    __asm__("bsfq %2, %0" : "+r"(kept), "=@ccz"(is_zero) : "r"(zero));
    expect(is_zero && kept == 77, "BSF of zero: ZF %d, and %lu in its destination", is_zero, kept);
}

WITH("cx16") void check_compare_and_exchange(void)
{
    uint64_t pair[2] __attribute__((aligned(16))) = {1, 2}, low = 1, high = 2;
    bool equal;

    __asm__("lock cmpxchg16b %1" : "=@ccz"(equal), "+m"(pair), "+a"(low), "+d"(high) : "b"(3ul), "c"(4ul));
    expect(equal && pair[0] == 3 && pair[1] == 4, "an exchange: %lu %lu", pair[0], pair[1]);
    __asm__("lock cmpxchg16b %1" : "=@ccz"(equal), "+m"(pair), "+a"(low), "+d"(high) : "b"(5ul), "c"(6ul));
    expect(!equal && low == 3 && high == 4, "a refusal: %lu %lu", low, high);
}

static void set_mxcsr(unsigned value) { _mm_setcsr(value); }

static float divide(float by, float what)
{
    __asm__ volatile("divss %1, %0" : "+x"(what) : "x"(by));
    return what;
}

void check_sse_rounding(void)
{
    static const uint32_t THIRD[4] = {0x3eaaaaab, 0x3eaaaaaa, 0x3eaaaaab, 0x3eaaaaaa}; /* nearest, down, up, to zero */

    for (unsigned mode = 0; mode < 4; mode++) {
        uint32_t bits;
        int down;
        set_mxcsr(MXCSR | mode << ROUND_SHIFT);
        float third = divide(3, 1);
        __asm__ volatile("cvtss2si %1, %0" : "=r"(down) : "x"(-1.5f));
        set_mxcsr(MXCSR);
        memcpy(&bits, &third, sizeof bits);
        expect_equal("a third", bits, THIRD[mode]);
        expect_equal("-1.5", down, mode == 0 || mode == 1 ? -2 : -1);
    }
}

void check_sse_denormals(void)
{
    float least = 0x1p-126f, denormal = 0x1p-140f;

    expect(divide(4, least) > 0, "2^-128 is 0");
    set_mxcsr(MXCSR | FLUSH_TO_ZERO);
    float flushed = divide(4, least);
    set_mxcsr(MXCSR | DENORMALS_ARE_ZERO);
    float as_zero = divide(0x1p-20f, denormal);
    set_mxcsr(MXCSR);
    expect(flushed == 0, "a denormal result was not flushed");
    expect(as_zero == 0, "a denormal operand was not taken as zero");
}

void check_sse_status_flags(void)
{
    static const struct {
        float by, what;
        unsigned flags;
    } CASES[] = {{2, 1, 0}, {3, 1, INEXACT}, {0, 1, DIVIDE_BY_ZERO}, {0, 0, INVALID}, {0x1p-100f, 0x1p100f, OVERFLOW | INEXACT}};

    for (size_t i = 0; i < length_of(CASES); i++) {
        set_mxcsr(MXCSR);
        divide(CASES[i].by, CASES[i].what);
        unsigned flags = _mm_getcsr() & 0x3f;
        set_mxcsr(MXCSR);
        expect_equal("MXCSR's flags of a division", flags, CASES[i].flags);
    }
}

struct extended {
    uint64_t significand;
    uint16_t exponent;
};

static struct extended bits_of(long double value)
{
    struct extended bits = {0};

    memcpy(&bits, &value, 10);
    return bits;
}

static void expect_extended(const char *what, long double value, uint16_t exponent, uint64_t significand)
{
    struct extended bits = bits_of(value);

    expect(bits.exponent == exponent && bits.significand == significand, "%s is %04x %016lx, not %04x %016lx", what,
           bits.exponent, bits.significand, exponent, significand);
}

void check_x87_arithmetic(void)
{
    volatile long double one = 1, three = 3, two = 2;
    uint16_t control, narrow;
    long double root, third;

    expect_extended("a third", one / three, 0x3ffd, 0xaaaaaaaaaaaaaaab);
    __asm__("fsqrt" : "=t"(root) : "0"(two));
    expect_extended("the root of two", root, 0x3fff, 0xb504f333f9de6484);
    __asm__ volatile("fnstcw %0" : "=m"(control));
    narrow = control & ~0x300; /* 24 bits */
    __asm__ volatile("fldcw %1\nfdivrp\nfldcw %2" : "=t"(third) : "m"(narrow), "m"(control), "0"(one), "u"(three) : "st(1)");
    expect_extended("a third or three in 24 bits", third, 0x4000, 0xc000000000000000);
}

void check_x87_constants(void)
{
    long double value;

    __asm__("fldpi" : "=t"(value));
    expect_extended("pi", value, 0x4000, 0xc90fdaa22168c235);
    __asm__("fldl2e" : "=t"(value));
    expect_extended("log2(e)", value, 0x3fff, 0xb8aa3b295c17f0bc);
    __asm__("fldl2t" : "=t"(value));
    expect_extended("log2(10)", value, 0x4000, 0xd49a784bcd1b8afe);
    __asm__("fldlg2" : "=t"(value));
    expect_extended("log10(2)", value, 0x3ffd, 0x9a209a84fbcff799);
    __asm__("fldln2" : "=t"(value));
    expect_extended("ln(2)", value, 0x3ffe, 0xb17217f7d1cf79ac);
}

void check_x87_transcendentals(void)
{
    long double sine, power;

    __asm__("fsin" : "=t"(sine) : "0"(1.0L));
    expect_extended("the sine of 1", sine, 0x3ffe, 0xd76aa47848677021);
    __asm__("f2xm1" : "=t"(power) : "0"(0.5L));
    expect_extended("2^0.5 - 1", power, 0x3ffd, 0xd413cccfe7799211);
}

void check_x87_decimal(void)
{
    uint8_t digits[10];
    long double back;

    __asm__ volatile("fbstp %0" : "=m"(digits) : "t"(-1234567890123456.0L) : "st");
    static const uint8_t WANTED[10] = {0x56, 0x34, 0x12, 0x90, 0x78, 0x56, 0x34, 0x12, 0x00, 0x80};
    expect(memcmp(digits, WANTED, 10) == 0, "FBSTP gives %02x%02x...", digits[9], digits[8]);
    __asm__ volatile("fbld %1" : "=t"(back) : "m"(digits));
    expect(back == -1234567890123456.0L, "FBLD gives another number");
}

void check_x87_status_flags(void)
{
    uint16_t status;

    __asm__ volatile("fninit\nfldz\nfld1\nfdiv %%st(1), %%st\nfnstsw %0\nfninit" : "=m"(status));
    expect_equal("the flags of 1/0", status & 0x3f, DIVIDE_BY_ZERO);
    __asm__ volatile("fninit\nfldpi\nfld1\nfdiv %%st(1), %%st\nfnstsw %0\nfninit" : "=m"(status));
    expect_equal("the flags of an inexact quotient", status & 0x3f, INEXACT);
}

void check_flags_of_arithmetic(void)
{
    enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = CF | PF | AF | ZF | SF | OF };
    static const struct {
        int8_t a, b;
        int sum, difference;
    } CASES[] = {
        {0x7f, 0x01, AF | SF | OF, PF},
        {(int8_t)0x80, (int8_t)0x80, CF | PF | ZF | OF, PF | ZF},
        {0x0f, 0x01, AF, 0},
        {0, 1, 0, CF | PF | AF | SF},
        {(int8_t)0xff, 0x01, CF | PF | AF | ZF, SF},
        {(int8_t)0x80, 1, PF | SF, AF | OF},
    };

    for (size_t i = 0; i < length_of(CASES); i++) {
        uint64_t flags;
        int8_t sum = CASES[i].a, difference = CASES[i].a;
        __asm__("addb %2, %0\npushfq\npopq %1" : "+q"(sum), "=r"(flags) : "q"(CASES[i].b) : "cc", "memory");
        expect_equal("the flags of a sum", flags & ALL, CASES[i].sum);
        __asm__("subb %2, %0\npushfq\npopq %1" : "+q"(difference), "=r"(flags) : "q"(CASES[i].b) : "cc", "memory");
        expect_equal("the flags of a difference", flags & ALL, CASES[i].difference);
    }
}
