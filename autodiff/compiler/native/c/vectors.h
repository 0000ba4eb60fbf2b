/* The vectors of the target. A wider one would go through memory and be 20 times slower. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* The text is compiled without fusing a*b + c, which numpy does not do; in a KERNEL it is wanted. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define SHUFFLE(mask, x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#define FUSE _Pragma("clang fp contract(fast)")
#define KERNEL static __attribute__((noinline, unused))
#else
#define UNROLL _Pragma("GCC unroll 32")
#define SHUFFLE(mask, x, y, ...) __builtin_shuffle(x, y, (mask){__VA_ARGS__})
#define FUSE
#define KERNEL static __attribute__((noinline, noclone, unused, optimize("fp-contract=fast")))
#endif
