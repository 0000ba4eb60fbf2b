/* Totals of many numbers. Sums of some of them are added to the first entry, and what rounding has
   left out to the second one; so the error does not grow with their number. */
#define TOTAL(type) \
  static inline void add_##type(type *total, type x) \
  { \
    const type sum = total[0] + x, added = sum - total[0]; \
    total[1] += (total[0] - (sum - added)) + (x - added); \
    total[0] = sum; \
  } \
  /* Where the total is infinite, the rest is a nan. */ \
  static inline type total_##type(const type *total) \
  { \
    return total[1] == total[1] ? total[0] + total[1] : total[0]; \
  }
TOTAL(float)
TOTAL(double)
